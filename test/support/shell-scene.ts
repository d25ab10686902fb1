import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from '../../format/index.ts';
import { type LeftBehind, openShell, osLayer, type Shell, type ShellEnding } from '../../sandbox/index.ts';
import { temporaryDirectory, writeFiles } from './sandbox-fixture.ts';

export const shellLayer = await osLayer();

/** A workspace, a home directory beside it, and the host's shell over both. */
export interface ShellScene extends AsyncDisposable {
  readonly places: Places;
  readonly shell: Shell;
  /** What was asked about, and the answer for the next ones. */
  readonly asked: LeftBehind[];
  answer: boolean;
  at(path: string): string;
  /** Runs a command as the tool does. */
  run(command: string): Promise<ShellEnding & { readonly output: string }>;
  /** Runs git as the user. */
  git(...args: readonly string[]): string;
}

export interface SceneFiles {
  /** Committed, where there is a repository. */
  readonly committed?: Readonly<Record<string, string>>;
  readonly loose?: Readonly<Record<string, string>>;
  readonly home?: Readonly<Record<string, string>>;
  readonly withGit?: boolean;
  /** Below the repository, to be worked in. */
  readonly inside?: string;
  readonly strict?: boolean;
}

export async function openShellScene({
  committed = {},
  loose = {},
  home = {},
  withGit = true,
  inside = '.',
  strict = false,
}: SceneFiles = {}): Promise<ShellScene> {
  const root = await temporaryDirectory('dash-shell-scene-');
  const at = (path: string): string => join(root.path, path);
  for (const name of ['w', 'h/.dash']) mkdirSync(at(name), { recursive: true });
  const env = { PATH: process.env['PATH'], HOME: at('h'), GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: at('w'), env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const under = (place: string, files: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${place}/${name}`, text]));
  await writeFiles(root.path, { ...under('w', committed), ...under('h', home) });
  if (withGit) {
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');
    git('add', '-A');
    git('commit', '-q', '--allow-empty', '-m', 'first');
  }
  await writeFiles(root.path, under('w', loose));
  const places: Places = { workspace: join(at('w'), inside), home: at('h'), data: at('h/.dash/data'), tmp: at('h/.dash/tmp'), dashHome: at('h/.dash') };
  mkdirSync(places.workspace, { recursive: true });
  const asked: LeftBehind[] = [];
  const scene = { answer: false };
  const shell = openShell({
    places,
    env,
    environment: { PATH: process.env['PATH'] ?? '', HOME: at('h') },
    dashHome: at('h/.dash'),
    strict: () => strict,
    allow: async (left) => {
      asked.push(left);
      return scene.answer;
    },
  });
  return {
    places,
    shell,
    asked,
    get answer() {
      return scene.answer;
    },
    set answer(next) {
      scene.answer = next;
    },
    at,
    git,
    async run(command) {
      let output = '';
      const ended = await shell.run(command, { signal: AbortSignal.timeout(60_000), onOutput: (bytes) => (output += bytes.toString()) });
      return { ...ended, output };
    },
    async [Symbol.asyncDispose]() {
      await shell[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}
