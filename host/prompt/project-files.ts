import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { type Diagnostic, isProtectedRead, type Places } from '../../format/index.ts';
import { projectDirectories, skillFilesIn, skillPlaces, textFilesIn, textPlaces } from '../../skills-lib/index.ts';

/** What the files of a project would say to the agent, if they were trusted. */
export interface ProjectFiles {
  /** What is trusted as a whole: the repository, or the working directory where there is none. */
  readonly root: string;
  /** From the outermost to the working directory. */
  readonly directories: readonly string[];
  /** Those of them whose `.dash` is the project's and not the user's home of Dash. */
  readonly configured: readonly string[];
  /** By path from the root: the digest of what changes how the agent works, or `there` for what it merely reads. */
  readonly items: ReadonlyMap<string, string>;
  /** What is a secret there. */
  readonly places: Places;
  readonly diagnostics: readonly Diagnostic[];
}

/** A file that the prompt is made of. */
export interface ContextFile {
  readonly path: string;
  readonly content: string;
}

/** Names of files that speak to agents, the first of a directory counts: often one is a link to the other. */
const CONTEXT_NAMES = ['AGENTS.md', 'CLAUDE.md'];
/** Read by `registry/`, with rules of its own. */
const LOCK = 'dash.lock';
/** What changes how the agent works is trusted as it is, byte for byte. */
const PINNED = ['settings.json', 'SYSTEM.md', 'APPEND_SYSTEM.md', LOCK];
/** In the place of a digest, for what is merely read. */
export const THERE = 'there';
/** A longer file would crowd out the conversation. */
const MAX_CONTEXT_BYTES = 256 * 1024;

/** Looks at what a project would bring in; reads none of it out. */
export async function findProjectFiles({
  cwd,
  home,
  dashHome,
}: {
  readonly cwd: string;
  readonly home: string;
  readonly dashHome: string;
}): Promise<ProjectFiles> {
  const { root, directories } = projectDirectories({ cwd, home });
  const outermostFirst = directories.toReversed();
  const items = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const places: Places = { workspace: root, home, data: join(dashHome, 'data'), tmp: join(dashHome, 'tmp'), dashHome };
  const note = (path: string, value: string): void => void items.set(relative(root, path), value);
  const configured = outermostFirst.filter((directory) => join(directory, '.dash') !== dashHome);
  for (const directory of outermostFirst) {
    for (const name of configured.includes(directory) ? PINNED : []) {
      const path = ownFile(directory, name);
      const refusal = name === LOCK ? undefined : await refusalOf(path, dirname(path), { root, places });
      if (refusal !== undefined && refusal !== 'missing') diagnostics.push(ignored(`.dash/${name}`, refusal, path));
      const bytes = refusal === undefined ? await readFile(path).catch(() => undefined) : undefined;
      if (bytes !== undefined) note(path, digestOf(bytes));
    }
    // named, not read: what is in them is installed like any other package
    const extensions = configured.includes(directory) ? await readdir(ownFile(directory, 'extensions')).catch(() => []) : [];
    for (const name of extensions.filter((one) => !one.startsWith('.')).sort()) note(join(ownFile(directory, 'extensions'), name), THERE);
    const context = await contextPathIn(directory, { root, places }, diagnostics);
    if (context !== undefined) note(context, THERE);
  }
  for (const folder of skillPlaces({ dashHome, home, cwd }).project) {
    const { files } = await skillFilesIn(folder);
    for (const path of files) note(path, THERE);
  }
  for (const kind of ['prompts', 'themes'] as const) {
    const { files } = await textFilesIn(kind, textPlaces(kind, { dashHome, home, cwd }).project);
    for (const path of files) note(path, THERE);
  }
  return { root, directories: outermostFirst, configured, items, places, diagnostics };
}

/** Reads the context files of a trusted project, the outermost first. */
export async function readContextFiles(project: ProjectFiles): Promise<readonly ContextFile[]> {
  const files: ContextFile[] = [];
  for (const directory of project.directories) {
    const path = await contextPathIn(directory, project, []);
    const bytes = path === undefined ? undefined : await readOwn(path, await realpath(directory), project);
    if (path !== undefined && bytes !== undefined) files.push({ path, content: cut(bytes.toString('utf8')) });
  }
  return files;
}

/** The file of this name that is nearest to the working directory, in `.dash` of a trusted project; word by word what was trusted. */
export async function readNearest(project: ProjectFiles, name: string): Promise<ContextFile | undefined> {
  for (const directory of project.configured.toReversed()) {
    const path = ownFile(directory, name);
    const bytes = await readOwn(path, dirname(path), project);
    if (bytes !== undefined && digestOf(bytes) === project.items.get(relative(project.root, path))) return { path, content: bytes.toString('utf8') };
  }
  return undefined;
}

/**
 * Reads a file that may speak, and that one only: whoever can write in the project may put a link to a key in its place
 * after it was looked at. `undefined` where it may not, or is another one by now.
 */
async function readOwn(path: string, beside: string, border: Border): Promise<Buffer | undefined> {
  try {
    const judged = await judge(path, beside, border);
    if ('refusal' in judged) return undefined;
    // a pipe in its place would hold us up
    await using file = await open(judged.real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const [opened, seen] = [await file.stat(), await lstat(judged.real)];
    if ((await realpath(judged.real)) !== judged.real) return undefined;
    return opened.isFile() && opened.ino === seen.ino && opened.dev === seen.dev ? await file.readFile() : undefined;
  } catch {
    return undefined; // it is gone
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where a directory of a project keeps a file of ours. */
export function ownFile(directory: string, name: string): string {
  return join(directory, '.dash', name);
}

/** Whether an {@link ownFile} is the word of whoever made the project: what somebody else could have put there is not. */
export async function mayRead(path: string, project: Border): Promise<boolean> {
  return (await refusalOf(path, dirname(path), project)) === undefined;
}

/** Directories whose `.dash/settings.json` is listened to, the outermost first; none where the project is not trusted. */
export async function directoriesWithSettings(trusted: ProjectFiles | undefined): Promise<readonly string[]> {
  const listened = (trusted?.configured ?? []).map(async (directory) =>
    trusted !== undefined && (await mayRead(ownFile(directory, 'settings.json'), trusted)) ? [directory] : [],
  );
  return (await Promise.all(listened)).flat();
}

type Border = Pick<ProjectFiles, 'root' | 'places'>;

/** The file of `directory` that speaks to agents. */
async function contextPathIn(directory: string, border: Border, diagnostics: Diagnostic[]): Promise<string | undefined> {
  for (const name of CONTEXT_NAMES) {
    const path = join(directory, name);
    const refusal = await refusalOf(path, await realpath(directory), border);
    if (refusal === 'missing') continue;
    if (refusal === undefined) return path;
    diagnostics.push(ignored(name, refusal, path));
  }
  return undefined;
}

function ignored(name: string, refusal: string, path: string): Diagnostic {
  return { severity: 'warning', code: 'CONTEXT_FILE_IGNORED', message: `\`${name}\` is not read: ${refusal}`, where: { path } };
}

/** Why a file may not speak, or which file it is that may; outside of the root it may lead to one `beside` it at most. */
async function judge(path: string, beside: string, { root, places }: Border): Promise<{ readonly refusal: string } | { readonly real: string }> {
  let real: string;
  try {
    real = await realpath(path);
  } catch {
    return { refusal: 'missing' };
  }
  // A link could lead to a key, and the model would read it out.
  const inside = (await realpath(root)) + sep;
  if (!real.startsWith(inside) && dirname(real) !== beside) return { refusal: 'it is a link to a place outside of the project' };
  if (isProtectedRead(real, places)) return { refusal: 'it is a link to a file with secrets' };
  for (const [what, place] of [
    ['it', real],
    ['its directory', dirname(path)],
  ] as const) {
    const { uid, mode } = await stat(place);
    const user = process.getuid?.();
    if (user !== undefined && uid !== user && uid !== 0) return { refusal: `${what} belongs to somebody else` };
    if ((mode & 0o002) !== 0) return { refusal: `${what} can be written to by everybody` };
  }
  return (await stat(real)).isFile() ? { real } : { refusal: 'it is no file' };
}

async function refusalOf(path: string, beside: string, border: Border): Promise<string | undefined> {
  const judged = await judge(path, beside, border);
  return 'refusal' in judged ? judged.refusal : undefined;
}

function cut(text: string): string {
  return Buffer.byteLength(text) <= MAX_CONTEXT_BYTES ? text : `${Buffer.from(text).subarray(0, MAX_CONTEXT_BYTES).toString('utf8')}\n[cut off]`;
}
