import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isProtectedWrite, type Places } from '../../format/index.ts';
import type { Confinement } from '../ports.ts';
import {
  confine,
  type Ending,
  NOT_A_LOGIN,
  osLayer,
  READ_FOR_REFUSALS,
  refusals,
  type OsLayer,
  type Profile,
  startProgram,
  whoRuns,
} from '../os-layer/index.ts';
import {
  type Before,
  checkChanges,
  type CheckPorts,
  describeLeft,
  journalOf,
  type LeftBehind,
  quarantineOf,
  takeDown,
  type TreeRules,
  type TreeScan,
  writeJournal,
} from '../left-behind/index.ts';
import { isKnownContent, readTips, unchangedInGit } from './known-content.ts';
import { recoverLeftBehind } from './recover.ts';
import { findRepository, type Repository } from './repository.ts';
import { createRunGit, type RunGit } from './run-git.ts';
import { shellProfile } from './shell-profile.ts';
import { type RunningServer, type ServerProgram, type ServerStreams, startConfinedServer, startServer } from './start-server.ts';

export interface ShellOptions {
  readonly places: Places;
  /** The agent's environment: where git and the toolchains are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What commands get of it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it keeps what a tree was before a command, and what commands left behind. */
  readonly dashHome: string;
  /** Whether something that a command left behind may stay. */
  readonly allow: (left: LeftBehind) => Promise<boolean>;
  /**
   * Whether files that git may have to write (`package.json`, `AGENTS.md`, workflows) are sealed too. A checkout of one then
   * fails, or leaves the old content; without it they are compared afterwards. Default: they are not.
   */
  readonly strict?: () => boolean;
  /** What confines. Default: what this machine has. */
  readonly layer?: () => Promise<OsLayer>;
}

export interface ShellRun {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  readonly onOutput: (bytes: Buffer) => void;
  /** What this one command may have though it is covered: somebody said yes to exactly that. */
  readonly uncovered?: readonly RefusedName[];
}

/** A name that was covered, and what the command wanted of it. */
export interface RefusedName {
  readonly path: string;
  /** `write`: it is sealed. `read`: it is hidden. */
  readonly access: 'read' | 'write';
}

export interface ShellEnding extends Ending {
  readonly confined: boolean;
  /** What was undone after the command, and what it put into commits, in words. */
  readonly notes: string;
  readonly undone: readonly LeftBehind[];
  /** What was covered and the command wanted, as far as it said so. */
  readonly refused: readonly RefusedName[];
}

/** Runs the commands of the host's own tools, in the operating-system layer where there is one. */
export interface Shell extends AsyncDisposable {
  layer(): Promise<OsLayer>;
  /** A directory of the host's that commands find under the same name: for what is too long to be told at once. */
  scratch(): Promise<string>;
  /** That directory, once there is one. */
  readable(): readonly string[];
  /**
   * Runs one command at a time: what is compared around one must not be the work of another.
   * @throws {UnguardableTree} when the workspace is too large to be guarded
   */
  run(command: string, run: ShellRun): Promise<ShellEnding>;
  /**
   * Looks after the commands of agents that died before they could. What was left behind is undone; nobody is asked, because
   * nobody knows any more what it was for. @returns what was undone, in words
   */
  recover(): Promise<string>;
  /**
   * Starts a program that goes on beside the commands; confined, it reads what they read and writes nothing of it.
   * @throws {UnguardableTree} when the workspace is too large to be guarded
   */
  serve(server: ServerProgram, confinement: Confinement, streams: ServerStreams): Promise<RunningServer>;
  /** The same with all rights of the user's: nothing is hidden, sealed or looked at afterwards. */
  runUnconfined(command: string, run: ShellRun): Promise<ShellEnding>;
}

const MAX_PROCESSES = 2_048;

/** For the shell itself; those that it starts are kept from it by {@link NOT_A_LOGIN}. */
const bashArguments = (command: string): readonly string[] => ['--norc', '-c', command];

/** Makes a shell for one workspace; starts nothing. */
export function openShell(options: ShellOptions): Shell {
  const { places, env, dashHome } = options;
  const environment = { ...options.environment, ...NOT_A_LOGIN };
  const git = createRunGit(env);
  let scratch: Promise<string> | undefined;
  let made: string | undefined;
  const scratchDirectory = (): Promise<string> => (scratch ??= mkdtemp(join(tmpdir(), 'dash-shell-')).then(async (path) => (made = await realpath(path))));
  const history = new KnownCommits(git);
  let turn: Promise<unknown> = Promise.resolve();

  const rulesFor = (repository: Repository | undefined): TreeRules => ({
    roots: [repository?.top ?? places.workspace],
    places,
    within: [repository?.top ?? places.workspace],
    covered: [],
    watches: options.strict?.() !== true,
    ownGit: repository?.entry,
    gitDirectories: repository === undefined ? [] : [...new Set([repository.gitDir, repository.commonDir])],
    named: repository?.named ?? [],
  });
  const portsFor = (repository: Repository | undefined, known: ReadonlySet<string>): CheckPorts => ({
    isKnown: async (path, content) => repository !== undefined && isKnownContent(path, content, known, repository, { git, env }),
    allow: options.allow,
    quarantine: quarantineOf(dashHome),
  });

  const run = async (command: string, { signal, onOutput, timeoutMs, uncovered = [] }: ShellRun): Promise<ShellEnding> => {
    const layer = await (options.layer ?? osLayer)();
    if (layer.kind !== 'live') throw new Error(`commands cannot be confined here: ${layer.reason}`);
    // Where the workspace is the home directory it must be there to be covered, or a command could make it.
    await mkdir(journalOf(dashHome), { recursive: true, mode: 0o700 });
    const repository = await findRepository(places.workspace, places.home, git);
    const rules = rulesFor(repository);
    await using _commondir = await ownCommondir(repository);
    const [taken, tips, directory, runAs] = await Promise.all([
      takeDown(rules, (paths) => unchangedInGit(paths, repository, git), signal),
      repository === undefined ? undefined : history.before(repository),
      scratchDirectory(),
      whoRuns(places.workspace),
    ]);
    const before = withoutCovers(taken, uncovered);
    const inGeneral = await shellProfile({
      places,
      scan: before.scan,
      repository,
      root: repository?.top ?? places.workspace,
      environment: { ...environment, ...repository?.identity, ...FOR_PROGRAMS },
      scratch: directory,
      runAs,
      signal,
    });
    const ignored = repository && (await writeIgnored(inGeneral, repository, directory));
    const profile = ignored === undefined ? inGeneral : { ...inGeneral, environment: { ...inGeneral.environment, ...excludes(ignored) } };
    const journal = await writeJournal(journalOf(dashHome), {
      packageName: undefined,
      workspace: places.workspace,
      rules,
      before,
      known: history.known,
    });
    const confinement = confine({ program: '/bin/bash', args: bashArguments(command) }, profile, layer);
    let output = '';
    const said = (bytes: Buffer): void => {
      output = (output + bytes.toString('latin1')).slice(-READ_FOR_REFUSALS);
      onOutput(bytes);
    };
    const program = startProgram(
      { kind: 'confined', confinement },
      { signal, onOutput: (_, bytes) => said(bytes), maxProcesses: MAX_PROCESSES, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
    program.stdin.end();
    const ending = await program.ended.catch(async (error: unknown) => {
      await journal.done(); // nothing has run
      throw error;
    });
    if (ignored !== undefined) await rm(ignored, { force: true });
    const undone = await checkChanges(before, rules, portsFor(repository, history.known));
    await journal.done();
    const commits = repository === undefined || tips === undefined ? '' : await history.after(repository, tips, places);
    const refused = ending.code === 0 ? [] : coveredAmong(Buffer.from(output, 'latin1').toString('utf8'), before.scan, places);
    return { ...ending, confined: true, undone, refused, notes: `${describeLeft(undone, places.workspace)}${commits}` };
  };

  const serve: Shell['serve'] = async (server, confinement, streams) => {
    if (confinement === 'full access') return startServer(server, streams, places.workspace);
    const layer = await (options.layer ?? osLayer)();
    if (layer.kind !== 'live') throw new Error(`programs cannot be confined here: ${layer.reason}`);
    return startConfinedServer(server, streams, { places, git, layer });
  };

  const runUnconfined = async (command: string, { signal, onOutput, timeoutMs }: ShellRun): Promise<ShellEnding> => {
    const program = startProgram(
      { kind: 'plain', program: 'bash', args: bashArguments(command), cwd: places.workspace, environment },
      { signal, onOutput: (_, bytes) => onOutput(bytes), maxProcesses: MAX_PROCESSES, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
    program.stdin.end();
    return { ...(await program.ended), confined: false, undone: [], refused: [], notes: '' };
  };

  const inTurn = <Result>(action: () => Promise<Result>): Promise<Result> => {
    const result = turn.then(action);
    turn = result.catch(() => undefined);
    return result;
  };
  return {
    layer: () => (options.layer ?? osLayer)(),
    scratch: scratchDirectory,
    readable: () => (made === undefined ? [] : [made]),
    run: (command, how) => inTurn(() => run(command, how)),
    recover: () => inTurn(() => recoverLeftBehind({ workspace: places.workspace, home: places.home, dashHome, env })),
    serve,
    runUnconfined: (command, how) => inTurn(() => runUnconfined(command, how)),
    async [Symbol.asyncDispose]() {
      await turn;
      if (scratch !== undefined) await rm(await scratch, { recursive: true, force: true });
    },
  };
}

/**
 * What was covered and a command wanted, as far as its output says so. The home of Dash is never among it: no yes to one
 * command opens that.
 */
function coveredAmong(output: string, { guarded }: TreeScan, { workspace, dashHome }: Places): readonly RefusedName[] {
  const said = refusals(output, workspace);
  const covered = (guard: 'sealed' | 'hidden', kind: 'read-only' | 'denied', access: RefusedName['access']): readonly RefusedName[] => {
    const covers = [...guarded].flatMap(([path, name]) => (name.guard === guard && !isHomeOfDash(path, dashHome) ? [path] : []));
    const wanted = said
      .filter((each) => each.kind === kind)
      .flatMap(({ path }) => covers.find((cover) => path === cover || path.startsWith(`${cover}/`)) ?? []);
    return [...new Set(wanted)].map((path) => ({ path, access }));
  };
  return [...covered('sealed', 'read-only', 'write'), ...covered('hidden', 'denied', 'read')];
}

function isHomeOfDash(path: string, dashHome: string | undefined): boolean {
  return dashHome !== undefined && (path === dashHome || path.startsWith(`${dashHome}/`) || dashHome.startsWith(`${path}/`));
}

/** What may be written has no cover, and may be changed: afterwards it is as if it had been sealed. What may be read is sealed. */
function withoutCovers(before: Before, uncovered: readonly RefusedName[]): Before {
  if (uncovered.length === 0) return before;
  const guarded = new Map(before.scan.guarded);
  for (const { path, access } of uncovered) {
    const name = guarded.get(path);
    if (access === 'write' && name?.guard === 'sealed') guarded.set(path, { ...name, guard: 'open' });
    if (access === 'read' && name?.guard === 'hidden') guarded.set(path, { ...name, guard: 'sealed' });
  }
  return { ...before, scan: { ...before.scan, guarded } };
}

/** Nobody sits at a terminal: no pager, no editor, no password. */
const FOR_PROGRAMS = { TMPDIR: '/tmp', PAGER: 'cat', GIT_PAGER: 'cat', GIT_EDITOR: 'true', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' } as const;

/**
 * What is hidden is there and is no file: git must not try to add it. The user's own list of what is ignored lies in the
 * home directory, which is empty.
 */
async function writeIgnored({ mounts }: Profile, repository: Repository, directory: string): Promise<string> {
  const hidden = mounts.flatMap(({ kind, path }) => (kind.startsWith('hidden') && path.startsWith(`${repository.top}/`) ? [path] : []));
  const lines = hidden.map((path) => `/${relative(repository.top, path).replaceAll(/[\\*?[\] #!]/g, '\\$&')}`);
  const file = join(directory, `ignored-${randomUUID()}`);
  await writeFile(file, `${repository.ignored}\n${lines.join('\n')}\n`, { flag: 'wx', mode: 0o644 });
  return file;
}

function excludes(file: string): Readonly<Record<string, string>> {
  return { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.excludesFile', GIT_CONFIG_VALUE_0: file };
}

/**
 * A `commondir` that a command writes into `.git` brings another configuration, which the user's next `git status` would
 * run. It is kept from that by one that is there already and says what is so anyway; an empty one would break git.
 */
async function ownCommondir(repository: Repository | undefined): Promise<AsyncDisposable> {
  const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (repository === undefined || repository.gitDir !== repository.commonDir) return nothing;
  const path = join(repository.gitDir, 'commondir');
  try {
    await writeFile(path, '.\n', { flag: 'wx' });
    return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return nothing;
    throw error;
  }
}

/**
 * The commits that are the user's: those that were there at the first command, and those that appeared between two. What
 * a command commits is not among them, or the next one could check it out.
 */
class KnownCommits {
  readonly known = new Set<string>();
  readonly #git: RunGit;
  #lastSeen: ReadonlySet<string> | undefined;

  constructor(git: RunGit) {
    this.#git = git;
  }

  async before(repository: Repository): Promise<ReadonlyMap<string, string>> {
    const tips = await readTips(repository, this.#git);
    for (const commit of tips.values()) if (this.#lastSeen === undefined || !this.#lastSeen.has(commit)) this.known.add(commit);
    return tips;
  }

  /** Says which protected files new commits hold: their content is not in the working tree, where it would be looked at. */
  async after(repository: Repository, before: ReadonlyMap<string, string>, places: Places): Promise<string> {
    const tips = await readTips(repository, this.#git);
    this.#lastSeen = new Set([...tips.values(), ...before.values(), ...(this.#lastSeen ?? [])]);
    const old = new Set(before.values());
    const fresh = [...new Set(tips.values())].filter((commit) => !old.has(commit));
    if (fresh.length === 0) return '';
    const answer = await this.#git(['log', '--format=', '--name-only', '-z', '--no-renames', '-m', ...fresh, '--not', ...this.known], repository.top);
    const names = new Set((answer ?? '').split('\0').map((name) => name.trim()));
    const guarded = [...names].filter((name) => name !== '' && isProtectedWrite(join(repository.top, name), places));
    return guarded.length === 0
      ? ''
      : `dash: new commits change ${guarded.map((name) => `\`${name}\``).join(', ')}: look at them before they are checked out or pushed\n`;
  }
}
