import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Diagnostic } from '../format/index.ts';
import { projectDirectories, skillFilesIn, skillPlaces, textFilesIn, textPlaces } from '../skills-lib/index.ts';

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
  readonly diagnostics: readonly Diagnostic[];
}

/** A file that the prompt is made of. */
export interface ContextFile {
  readonly path: string;
  readonly content: string;
}

/** Names of files that speak to agents, the first of a directory counts: often one is a link to the other. */
const CONTEXT_NAMES = ['AGENTS.md', 'CLAUDE.md'];
/** What changes how the agent works is trusted as it is, byte for byte. */
const PINNED = ['settings.json', 'SYSTEM.md', 'APPEND_SYSTEM.md', 'dash.lock'];
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
  const note = (path: string, value: string): void => void items.set(relative(root, path), value);
  const configured = outermostFirst.filter((directory) => join(directory, '.dash') !== dashHome);
  for (const directory of outermostFirst) {
    const pinned = configured.includes(directory) ? PINNED.map((name) => join(directory, '.dash', name)) : [];
    for (const path of pinned) {
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes !== undefined) note(path, createHash('sha256').update(bytes).digest('hex'));
    }
    const context = await contextPathIn(directory, root, diagnostics);
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
  return { root, directories: outermostFirst, configured, items, diagnostics };
}

/** Reads the context files of a trusted project, the outermost first. */
export async function readContextFiles({ root, directories }: ProjectFiles): Promise<readonly ContextFile[]> {
  const files: ContextFile[] = [];
  for (const directory of directories) {
    const path = await contextPathIn(directory, root, []);
    if (path !== undefined) files.push({ path, content: cut(await readFile(path, 'utf8')) });
  }
  return files;
}

/** The text of the file of this name that is nearest to the working directory, in `.dash` of a trusted project. */
export async function readNearest({ configured }: ProjectFiles, name: string): Promise<string | undefined> {
  for (const directory of configured.toReversed()) {
    const text = await readFile(join(directory, '.dash', name), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The file of `directory` that speaks to agents. What somebody else could have put there does not speak. */
async function contextPathIn(directory: string, root: string, diagnostics: Diagnostic[]): Promise<string | undefined> {
  for (const name of CONTEXT_NAMES) {
    const path = join(directory, name);
    const refusal = await refusalOf(path, root);
    if (refusal === 'missing') continue;
    if (refusal === undefined) return path;
    diagnostics.push({ severity: 'warning', code: 'CONTEXT_FILE_IGNORED', message: `\`${name}\` is not read: ${refusal}`, where: { path } });
  }
  return undefined;
}

async function refusalOf(path: string, root: string): Promise<string | undefined> {
  let real: string;
  try {
    real = await realpath(path);
  } catch {
    return 'missing';
  }
  // A link could lead to a key, and the model would read it out.
  const border = await realpath(root);
  const beside = await realpath(dirname(path));
  if (!real.startsWith(border + sep) && dirname(real) !== beside) return 'it is a link to a place outside of the project';
  for (const [what, place] of [
    ['it', real],
    ['its directory', dirname(path)],
  ] as const) {
    const { uid, mode } = await stat(place);
    const user = process.getuid?.();
    if (user !== undefined && uid !== user && uid !== 0) return `${what} belongs to somebody else`;
    if ((mode & 0o002) !== 0) return `${what} can be written to by everybody`;
  }
  return (await stat(real)).isFile() ? undefined : 'it is no file';
}

function cut(text: string): string {
  return Buffer.byteLength(text) <= MAX_CONTEXT_BYTES ? text : `${Buffer.from(text).subarray(0, MAX_CONTEXT_BYTES).toString('utf8')}\n[cut off]`;
}
