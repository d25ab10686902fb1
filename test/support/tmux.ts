import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TestRunner } from 'vitest';

export interface TmuxOptions {
  readonly columns: number;
  readonly rows?: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A real terminal with a program in it. */
export interface Tmux extends AsyncDisposable {
  /** Keys by tmux's names: `Enter`, `C-c`, `Escape`, `M-Enter`. */
  press(...keys: string[]): Promise<void>;
  /** Text as it is typed. */
  type(text: string): Promise<void>;
  /** Text as it is pasted, in brackets where the program asked for them. */
  paste(text: string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Whether the cursor is seen, and whether long lines wrap. */
  modes(): Promise<{ readonly cursor: string; readonly wraps: string }>;
  /** What is on the screen, without colours. */
  screen(): Promise<string>;
  /** The same with colours, as control sequences. */
  colored(): Promise<string>;
  /** The screen with its colours, and everything that scrolled off. */
  everything(): Promise<string>;
  /** Waits until the screen, with its colours as control sequences, shows something. */
  showsColored(expected: string | RegExp): Promise<string>;
  /** Waits until the screen shows something, and answers the screen. */
  shows(expected: string | RegExp): Promise<string>;
  /** Waits until the screen shows something no more. */
  hides(unexpected: string | RegExp): Promise<string>;
}

const run = promisify(execFile);
/** A busy machine takes long; a program that hangs takes for ever. */
const GUARD_MS = 45_000;

const HAS_TMUX = spawnSync('tmux', ['-V']).status === 0;

/** Starts a program in a terminal of its own; what follows it shows how it ended. */
export async function startTmux(command: readonly string[], { columns, rows = 30, cwd, env }: TmuxOptions): Promise<Tmux> {
  // Where there is no tmux, the test that asked for one is skipped and says so; `.ci/run` installs it.
  if (!HAS_TMUX) TestRunner.getCurrentTest()?.context.skip('skipped: no tmux on this machine');
  const socket = `dash-${randomUUID().slice(0, 8)}`;
  // A detached session gets the path of who began it, whatever is said with `-e`.
  const environmentOfTmux = { ...process.env, NO_COLOR: undefined, PATH: env['PATH'] ?? process.env['PATH'] };
  const tmux = async (...args: string[]): Promise<string> =>
    (await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { maxBuffer: 64 * 1024 * 1024, env: environmentOfTmux })).stdout;
  // The shell stays, so that what a program leaves behind on the terminal can be looked at.
  const script = `${command.map(quoted).join(' ')}; printf '%s\\n' "ended with $?"; stty -a | tr ' ' '\\n' | grep -x -e icanon -e -icanon; exec cat`;
  const environment = Object.entries({ ...env, TERM: 'tmux-256color' }).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', cwd, ...environment, 'sh', '-c', script);
  await tmux('set-option', '-g', 'history-limit', '50000');
  const screen = async (): Promise<string> => tmux('capture-pane', '-p');
  const until = async (holds: (shown: string) => boolean, what: string, look = screen): Promise<string> => {
    const deadline = performance.now() + GUARD_MS;
    let shown = '';
    while (performance.now() < deadline) {
      shown = await look();
      if (holds(shown)) return shown;
      await sleep(30);
    }
    throw new Error(`the screen never ${what}; it is\n${shown}`);
  };
  const has = (shown: string, wanted: string | RegExp): boolean => (typeof wanted === 'string' ? shown.includes(wanted) : wanted.test(shown));
  return {
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    type: async (text) => void (await tmux('send-keys', '-l', text)),
    async paste(text) {
      await tmux('set-buffer', text);
      await tmux('paste-buffer', '-p');
    },
    resize: async (width, height) => void (await tmux('resize-window', '-x', String(width), '-y', String(height))),
    async modes() {
      const [cursor = '', wraps = ''] = (await tmux('display-message', '-p', '#{cursor_flag} #{wrap_flag}')).trim().split(' ');
      return { cursor, wraps };
    },
    screen,
    colored: () => tmux('capture-pane', '-p', '-e'),
    everything: () => tmux('capture-pane', '-p', '-e', '-S', '-', '-E', '-'),
    showsColored: (expected) =>
      until(
        (shown) => has(shown, expected),
        `showed ${String(expected)}`,
        () => tmux('capture-pane', '-p', '-e'),
      ),
    shows: (expected) => until((shown) => has(shown, expected), `showed ${String(expected)}`),
    hides: (unexpected) => until((shown) => !has(shown, unexpected), `lost ${String(unexpected)}`),
    async [Symbol.asyncDispose]() {
      await tmux('kill-server').catch(() => undefined);
    },
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
