import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from './temporary-directory.ts';
import { startTmux, type Tmux } from './tmux.ts';

export interface DashOptions {
  readonly columns: number;
  readonly rows?: number;
  /** What the model answers; without it there is no model. */
  readonly script?: object;
  readonly args?: readonly string[];
  /** Files of the project, by their path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files of `DASH_HOME`, by their path. */
  readonly home?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** What happens before it is started. */
  readonly before?: (setup: { readonly project: string; readonly run: (...args: string[]) => Promise<void> }) => Promise<void>;
}

const execFileAsync = promisify(execFile);
const DASH = join(import.meta.dirname, '..', '..', 'bin', 'dash.js');

export interface DashInTerminal extends Tmux {
  /** The project and `DASH_HOME`. */
  readonly project: string;
  readonly home: string;
  /** Another command of Dash's on the same home. */
  run(...args: string[]): Promise<string>;
  /** The screen with everything taken out that differs from run to run. */
  golden(): Promise<string>;
  /** The same with its colours, each escape written as `␛`. */
  goldenColored(): Promise<string>;
}

/** The real program on a real terminal, in a project and a `DASH_HOME` of its own. */
export async function startDash({
  columns,
  rows,
  script,
  args = [],
  files = {},
  home = {},
  env = {},
  before = async () => undefined,
}: DashOptions): Promise<DashInTerminal> {
  const root = await temporaryDirectory();
  const project = join(root, 'project');
  const dashHome = join(root, 'home');
  await writeAll(project, files);
  await writeAll(dashHome, home);
  if (script !== undefined) await writeFile(join(root, 'script.json'), JSON.stringify(script));
  const model = script === undefined ? [] : ['--model', `scripted:${join(root, 'script.json')}`];
  const { PATH = '' } = process.env;
  // The project is named from the home directory on, so that its name is as long on every machine.
  const environment = { PATH, HOME: root, DASH_HOME: dashHome, COLORTERM: 'truecolor', LANG: 'C.UTF-8', ...env };
  await before({ project, run: async (...words) => void (await execFileAsync(process.execPath, [DASH, ...words], { cwd: project, env: environment })) });
  const tmux = await startTmux([process.execPath, DASH, ...model, ...args], { columns, rows, cwd: project, env: environment });
  return {
    ...tmux,
    project,
    home: dashHome,
    run: async (...words) => (await execFileAsync(process.execPath, [DASH, ...words], { cwd: project, env: environment })).stdout,
    golden: async () => normalised(await tmux.screen()),
    goldenColored: async () => normalised(await tmux.colored()).replaceAll('\u001B', '␛'),
  };
}

/** Times, ids and the picture that turns while the agent works. */
function normalised(screen: string): string {
  const lines = screen
    .replaceAll(/\(\d+ (?:s|min|h) old\)/g, '(2 min old)')
    .replaceAll(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '⠿')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>')
    .split('\n')
    .map((line) => line.trimEnd());
  return `${lines.join('\n').trimEnd()}\n`;
}

async function writeAll(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}
