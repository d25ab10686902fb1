import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { UnguardableTree } from '../os-layer/index.ts';
import { executorsOf } from './git-executors.ts';
import { MAX_ENTRIES, scanTree, type TreeRules, type TreeScan } from './scan-tree.ts';
import { move, setAside } from './set-aside.ts';

/** A file as it was: its bytes, or where a link led. */
type Content = { readonly kind: 'file'; readonly bytes: Buffer } | { readonly kind: 'link'; readonly target: string } | { readonly kind: 'other' };

/** What could have been changed, before a program ran. */
export interface Before {
  readonly scan: TreeScan;
  readonly contents: ReadonlyMap<string, Content>;
  /** What in the repository's own directories nothing may write, and the steps of a rebase that is under way. */
  readonly gitNames: ReadonlySet<string>;
  readonly todos: ReadonlyMap<string, string>;
}

/** Something that runs later, tells agents what to do, or leads out, and that a program left behind. */
export interface LeftBehind {
  readonly path: string;
  readonly kind: 'new' | 'changed';
  readonly what:
    | 'file that runs later or tells agents what to do'
    | 'link that leads out of the workspace'
    | 'socket, pipe or device'
    | 'directory that cannot be looked into'
    | 'repository without a working tree'
    | 'step of a rebase that runs a program';
  /** Where what was left is now. */
  readonly aside: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface CheckPorts {
  /** Whether a content was in the user's repository before. */
  isKnown(path: string, content: Buffer): Promise<boolean>;
  /** Whether it may stay where it is, without a question. */
  mayStay?(left: Omit<LeftBehind, 'aside'>): Promise<boolean>;
  /** Whether it may come back. Asked for so many, and no more. */
  allow(left: LeftBehind): Promise<boolean>;
  readonly quarantine: string;
}

/** Who is asked more than this after one program does not read any more. */
const MAX_QUESTIONS = 20;

const MAX_WATCHED_BYTES = 1024 * 1024;
const MAX_FILES_OF_A_DIRECTORY = 2_000;

/**
 * Takes down what is looked at again afterwards. What git keeps of a file with a secret's name is no secret: it is watched
 * instead of hidden, or git would take it for deleted. A watched file that is too large to be kept gets a cover.
 */
export async function takeDown(
  rules: TreeRules,
  unchangedInGit: (paths: readonly string[]) => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<Before> {
  const scan = await scanTree(rules, signal, MAX_ENTRIES);
  const [unnamed] = scan.unnamed.keys();
  if (unnamed !== undefined) throw new UnguardableTree(`the name of \`${unnamed}\` is not UTF-8`);
  const guarded = new Map(scan.guarded);
  for (const target of scan.secretTargets) guarded.set(target, { guard: 'hidden', kind: 'file' });
  const secrets = [...guarded].flatMap(([path, { guard, kind }]) => (guard === 'hidden' && kind === 'file' ? [path] : []));
  for (const path of await unchangedInGit(secrets)) guarded.set(path, { guard: 'watched', kind: 'file' });
  const contents = new Map<string, Content>();
  for (const [path, { guard, kind }] of guarded) {
    if (guard !== 'watched') continue;
    const content = await readContent(path);
    if (content.kind === 'other') guarded.set(path, { guard: 'sealed', kind });
    else contents.set(path, content);
  }
  return { scan: { ...scan, guarded }, contents, gitNames: await executorsIn(rules), todos: await todosIn(rules) };
}

/**
 * Compares the tree with what it was and undoes what nobody allowed: new files are put aside, changed ones are put back as
 * they were, and a copy of what was written is kept. @returns what was undone
 */
export async function checkChanges(before: Before, rules: TreeRules, ports: CheckPorts): Promise<readonly LeftBehind[]> {
  // From here on nobody may stop us: what was left behind must not stay because somebody lost patience.
  const after = await scanTree(rules, new AbortController().signal);
  const undone: LeftBehind[] = [];
  let asked = 0;
  const judge = async (left: Omit<LeftBehind, 'aside'>, putBack: () => Promise<void>, exact: string | Buffer = left.path): Promise<void> => {
    if ((await ports.mayStay?.(left)) === true) return;
    const aside = await setAside(left.path, ports.quarantine, exact);
    if (aside === undefined) return;
    await putBack();
    const whole = { ...left, aside };
    // A path that is no string leads nowhere back.
    if (exact !== left.path || asked++ >= MAX_QUESTIONS || !(await ports.allow(whole))) return void undone.push(whole);
    await rm(left.path, { recursive: true, force: true });
    await mkdir(dirname(left.path), { recursive: true });
    await move(aside, left.path);
  };
  const nothing = async (): Promise<void> => undefined;

  const gone = [...before.contents].filter(([path]) => !after.guarded.has(path)).map(([, content]) => content);
  for (const [path, { guard }] of after.guarded) {
    const was = before.scan.guarded.get(path);
    const content = before.contents.get(path);
    if (was !== undefined && content === undefined && guard !== 'watched') continue;
    if (content === undefined) {
      const isMoved = async (): Promise<boolean> => includesContent(gone, await readContent(path));
      if ((guard === 'watched' && (await isMoved())) || (await isKnownTree(path, ports))) continue;
      const what = after.bare.has(path) ? 'repository without a working tree' : after.closed.has(path) ? 'directory that cannot be looked into' : RUNS_LATER;
      await judge({ path, kind: 'new', what, before: undefined, after: await textOf(path) }, nothing);
      continue;
    }
    const now = await readContent(path);
    if (isSame(content, now) || (now.kind === 'file' && (await ports.isKnown(path, now.bytes)))) continue;
    if (content.kind === 'other') continue;
    const texts = { before: textOfContent(content), after: textOfContent(now) };
    await judge({ path, kind: 'changed', what: RUNS_LATER, ...texts }, () => writeContent(path, content));
  }
  for (const [path, target] of after.leaving) {
    const old = before.scan.leaving.get(path);
    if (old === target || after.guarded.has(path)) continue;
    const putBack = old === undefined ? nothing : () => symlink(old, path);
    if (await ports.isKnown(path, Buffer.from(target))) continue; // a link in a commit is a blob with its target
    await judge({ path, kind: old === undefined ? 'new' : 'changed', what: 'link that leads out of the workspace', before: old, after: target }, putBack);
  }
  for (const path of after.special) {
    if (before.scan.special.has(path) || after.guarded.has(path)) continue;
    await judge({ path, kind: 'new', what: 'socket, pipe or device', before: undefined, after: undefined }, nothing);
  }
  for (const [path, exact] of after.unnamed)
    await judge({ path, kind: 'new', what: 'directory that cannot be looked into', before: undefined, after: undefined }, nothing, exact);
  for (const path of await executorsIn(rules)) {
    if (before.gitNames.has(path)) continue;
    await judge({ path, kind: 'new', what: RUNS_LATER, before: undefined, after: await textOf(path) }, nothing);
  }
  for (const [path, todo] of await todosIn(rules)) {
    const old = before.todos.get(path);
    const harmless = todo.split('\n').filter((line) => !RUNS_PROGRAM.test(line) || (old?.split('\n').includes(line) ?? false));
    if (harmless.length === todo.split('\n').length) continue;
    // Without its programs it is still a rebase that can go on.
    await judge({ path, kind: 'changed', what: 'step of a rebase that runs a program', before: old, after: todo }, () => writeFile(path, harmless.join('\n')));
  }
  return undone;
}

const RUNS_LATER = 'file that runs later or tells agents what to do';
const RUNS_PROGRAM = /^\s*(x|exec)\s/;

async function executorsIn({ gitDirectories }: TreeRules): Promise<ReadonlySet<string>> {
  const found = await Promise.all(gitDirectories.map(executorsOf));
  return new Set(found.flat());
}

async function todosIn({ gitDirectories }: TreeRules): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const directory of gitDirectories) {
    for (const name of ['rebase-merge/git-rebase-todo', 'rebase-merge/git-rebase-todo.backup', 'sequencer/todo']) {
      const path = join(directory, name);
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined) found.set(path, text);
    }
  }
  return found;
}

/** Whether everything at a new path was in the repository before: a branch that was checked out may bring directories. */
async function isKnownTree(path: string, { isKnown }: CheckPorts): Promise<boolean> {
  const pending = [path];
  let files = 0;
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    if (++files > MAX_FILES_OF_A_DIRECTORY) return false;
    const stats = await lstat(each).catch(() => undefined);
    if (stats?.isDirectory() === true) {
      for (const name of await readdir(each)) pending.push(join(each, name));
      continue;
    }
    const content = await readContent(each);
    if (content.kind === 'other') return false;
    if (!(await isKnown(each, content.kind === 'link' ? Buffer.from(content.target) : content.bytes))) return false;
  }
  return files > 1 || (await lstat(path).catch(() => undefined))?.isDirectory() !== true;
}

async function readContent(path: string): Promise<Content> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isSymbolicLink() === true) return { kind: 'link', target: await readlink(path) };
  if (stats?.isFile() !== true || stats.size > MAX_WATCHED_BYTES) return { kind: 'other' };
  return readFile(path).then(
    (bytes): Content => ({ kind: 'file', bytes }),
    (): Content => ({ kind: 'other' }),
  );
}

async function writeContent(path: string, content: Content): Promise<void> {
  if (content.kind === 'link') await symlink(content.target, path);
  if (content.kind === 'file') await writeFile(path, content.bytes, { flag: 'wx' });
}

function isSame(a: Content, b: Content): boolean {
  if (a.kind === 'file' && b.kind === 'file') return a.bytes.equals(b.bytes);
  if (a.kind === 'link' && b.kind === 'link') return a.target === b.target;
  return a.kind === 'other' && b.kind === 'other';
}

/** A file that was moved is no new file. */
function includesContent(gone: readonly Content[], content: Content): boolean {
  return content.kind === 'file' && gone.some((each) => isSame(each, content));
}

async function textOf(path: string): Promise<string | undefined> {
  return textOfContent(await readContent(path));
}

function textOfContent(content: Content): string | undefined {
  return content.kind === 'file' ? content.bytes.toString('utf8') : content.kind === 'link' ? `-> ${content.target}` : undefined;
}

/** Says what was undone, for whoever reads the output of the program. `who` may not leave it. */
export function describeLeft(left: readonly LeftBehind[], workspace: string, who = 'a command'): string {
  return left
    .map(({ path, kind, what, aside }) => {
      const name = relative(workspace, path) || path;
      const done = kind === 'new' ? 'was put aside' : 'was put back as it was';
      return `dash: \`${name}\` ${done}: ${who} may not leave a ${what}; what it wrote is in ${aside}\n`;
    })
    .join('');
}
