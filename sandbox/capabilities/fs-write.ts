import { Type } from '@sinclair/typebox';
import { copyFile, lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Places } from '../../format/index.ts';
import { assertRegularFile, canonicalParent, canonicalPath, handlePath, openDirectory, openForReading, openForWriting } from '../confine-path.ts';
import { CapabilityFailure, defineCapability, type CapabilityContext, type Need, type Request } from '../define-capability.ts';
import { decidedPath, decideOtherName, fileNeed, needBelow, needRead, Path } from './fs-read.ts';
import { changing, renamingAlone } from './tree-lock.ts';

/** Files and directories, changed. `fs:write` does not imply `fs:read`: a copy needs both. */
const closed = { additionalProperties: false } as const;
const DEFAULT_FILE_MODE = 0o644;

async function needWrite(path: string, context: CapabilityContext): Promise<readonly Need[]> {
  return [fileNeed('write', await canonicalPath(path, context.places.workspace), path, context)];
}

/** For what acts on a name and not on what a link there leads to. */
async function needWriteName(path: string, context: CapabilityContext): Promise<readonly Need[]> {
  return [fileNeed('write', await canonicalParent(path, context.places.workspace), path, context)];
}

/** What a directory holds may be denied or protected although the directory is not: its `.git`, its `.env`. */
async function decideBelow(directory: string, needs: readonly Need[], request: Request): Promise<void> {
  request.signal.throwIfAborted();
  await using handle = await openDirectory(directory);
  for (const entry of await readdir(handlePath(handle, '.', directory), { withFileTypes: true })) {
    const inside = needs.map((need) => needBelow(need, entry.name));
    await decideQuietly(inside, request);
    if (entry.isDirectory()) await decideBelow(join(directory, entry.name), inside, request);
  }
}

/** Only a denial is worth a record below a directory that has one. */
async function decideQuietly(needs: readonly Need[], { permits, decide }: Request): Promise<void> {
  for (const need of needs) if (!permits(need)) await decide(need);
}

/** Runs `action` on a path that goes through the verified, open parent directory. */
async function inParent<T>(canonical: string, action: (path: string) => Promise<T>): Promise<T> {
  await using parent = await openDirectory(dirname(canonical));
  // Awaited here: without it the handle is closed, and its number given to another file, before the action is done.
  return await action(handlePath(parent, basename(canonical), canonical));
}

export const writeFile = defineCapability({
  kind: 'request',
  name: 'fs.writeFile',
  params: Type.Object(
    {
      path: Path,
      text: Type.Optional(Type.String()),
      base64: Type.Optional(Type.String()),
      flag: Type.Union([Type.Literal('w'), Type.Literal('a'), Type.Literal('wx')]),
      mode: Type.Optional(Type.Integer({ minimum: 0, maximum: 0o7777 })),
    },
    closed,
  ),
  needs: ({ path }, context) => needWrite(path, context),
  run: async ({ text, base64, flag, mode = DEFAULT_FILE_MODE }, { storage }, _request, needs) => {
    const bytes = base64 === undefined ? Buffer.from(text ?? '', 'utf8') : Buffer.from(base64, 'base64');
    using _ = await storage.reserve(decidedPath(needs), bytes.length, flag === 'a' ? 'more' : 'anew');
    await using handle = await changing(() => openForWriting(decidedPath(needs), flag, mode));
    await handle.writeFile(bytes);
    return { bytes: bytes.length };
  },
});

export const makeDirectory = defineCapability({
  kind: 'request',
  name: 'fs.mkdir',
  params: Type.Object({ path: Path, recursive: Type.Boolean() }, closed),
  needs: ({ path }, context) => needWrite(path, context),
  run: async ({ recursive }, { storage }, _request, needs) => {
    const path = decidedPath(needs);
    using _ = await storage.reserve(path, 0);
    if (!recursive) {
      await changing(() => inParent(path, (place) => mkdir(place)));
      return { first: path };
    }
    // Every missing step is made through its verified parent: `mkdir -p` on the whole path would follow a link
    // that appears in between.
    const missing: string[] = [];
    for (let step = path; !(await exists(step)); step = dirname(step)) missing.unshift(step);
    for (const step of missing) {
      using _ = await storage.reserve(step, 0);
      await changing(() => inParent(step, (place) => mkdir(place))).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    return missing[0] === undefined ? {} : { first: missing[0] };
  },
});

async function exists(path: string): Promise<boolean> {
  try {
    const stats = await lstat(path);
    if (!stats.isDirectory()) throw new CapabilityFailure({ code: 'ENOTDIR', message: 'ENOTDIR: not a directory', syscall: 'mkdir' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export const remove = defineCapability({
  kind: 'request',
  name: 'fs.remove',
  params: Type.Object(
    { path: Path, recursive: Type.Boolean(), force: Type.Boolean(), kind: Type.Union([Type.Literal('file'), Type.Literal('directory'), Type.Literal('any')]) },
    closed,
  ),
  needs: ({ path }, context) => needWriteName(path, context),
  run: async ({ recursive, force, kind }, { places }, request, needs) => {
    const path = decidedPath(needs);
    if (Object.values(places).includes(path))
      throw new CapabilityFailure({ code: 'EBUSY', message: 'EBUSY: this directory is a place of its own', syscall: 'rm' });
    if (recursive && (await isDirectory(path))) await decideBelow(path, needs, request);
    await changing(() =>
      inParent(path, async (place) => {
        if (kind === 'file') return unlink(place);
        if (kind === 'directory') return recursive ? rm(place, { recursive, force }) : rmdir(place);
        return rm(place, { recursive, force });
      }),
    ).catch((error: NodeJS.ErrnoException) => {
      if (!(force && error.code === 'ENOENT')) throw error;
    });
    return {};
  },
});

export const move = defineCapability({
  kind: 'request',
  name: 'fs.rename',
  params: Type.Object({ from: Path, to: Path }, closed),
  // What is moved away becomes readable under its new name: a rename is a read of the source, too.
  needs: async ({ from, to }, context) => {
    const source = await canonicalParent(from, context.places.workspace);
    return [fileNeed('write', source, from, context), ...(await needWriteName(to, context)), fileNeed('read', source, from, context)];
  },
  run: async (_params, { places, storage }, request, needs) => {
    const [from, to] = [decidedPath(needs, 0), decidedPath(needs, 1)];
    return renamingAlone(async () => {
      const stats = await lstat(from);
      // A link carried elsewhere points elsewhere: `./a -> b` is harmless here and may not be there.
      if (!stats.isFile() && !stats.isDirectory()) {
        throw new CapabilityFailure({ code: 'EACCES', message: 'EACCES: only files and directories can be renamed', syscall: 'rename' });
      }
      if (stats.isDirectory()) {
        // In its private directories a package may give files any name. Between there and elsewhere a directory is
        // copied, file by file: another process could fill it between this look and the rename.
        if (isPrivate(from, places) !== isPrivate(to, places))
          throw new CapabilityFailure({ code: 'EXDEV', message: 'EXDEV: cross-device link not permitted', syscall: 'rename' });
        await decideBelow(from, needs, request);
      }
      using _ = isPrivate(from, places) ? undefined : await storage.reserve(to, stats.size);
      await inParent(from, (source) => inParent(to, (target) => rename(source, target)));
      return {};
    });
  },
});

export const copy = defineCapability({
  kind: 'request',
  name: 'fs.copy',
  params: Type.Object({ from: Path, to: Path, recursive: Type.Boolean(), force: Type.Boolean() }, closed),
  needs: async ({ from, to }, context) => [...(await needRead(from, context)), ...(await needWrite(to, context))],
  run: async ({ recursive, force }, context, request, needs) => {
    const [source, target] = needs;
    if (source === undefined || target === undefined) throw new Error('a copy needs two paths');
    if (recursive) await copyTree(source, target, force, request, context);
    else await copyOne(source, target, force, request, context);
    return {};
  },
});

async function copyTree(source: Need, target: Need, force: boolean, request: Request, context: CapabilityContext): Promise<void> {
  request.signal.throwIfAborted();
  await decideQuietly([source, target], request);
  const [from, to] = [decidedPath([source]), decidedPath([target])];
  const stats = await lstat(from);
  if (stats.isFile()) return copyOne(source, target, force, request, context);
  // Links inside the tree are left out: what they lead to was not decided on.
  if (!stats.isDirectory()) return;
  using _ = await context.storage.reserve(to, 0);
  await changing(() => inParent(to, (place) => mkdir(place))).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await using directory = await openDirectory(from);
  for (const name of await readdir(handlePath(directory, '.', from))) await copyTree(needBelow(source, name), needBelow(target, name), force, request, context);
}

async function copyOne(from: Need, to: Need, force: boolean, request: Request, context: CapabilityContext): Promise<void> {
  await using source = await openForReading(decidedPath([from]));
  const stats = await assertRegularFile(source);
  if (stats.nlink > 1) await decideOtherName(stats, from, context, request);
  using _ = await context.storage.reserve(decidedPath([to]), stats.size);
  await using target = await changing(() => openForWriting(decidedPath([to]), force ? 'w' : 'wx', DEFAULT_FILE_MODE));
  if (process.platform === 'linux') await copyFile(`/proc/self/fd/${source.fd}`, `/proc/self/fd/${target.fd}`);
  else await target.writeFile(await source.readFile());
}

/** What mkdtemp puts behind a prefix is as long as this. */
const RANDOM_PART = 'XXXXXX';

export const makeTemporaryDirectory = defineCapability({
  kind: 'request',
  name: 'fs.mkdtemp',
  params: Type.Object({ prefix: Path }, closed),
  // Decided on with the random part: the prefix alone may be a directory (`./`), and the new one lies in it.
  needs: ({ prefix }, context) => needWriteName(`${prefix}${RANDOM_PART}`, context),
  run: async (_params, { storage }, _request, needs) => {
    const path = decidedPath(needs);
    using _ = await storage.reserve(path, 0);
    const made = await changing(() => inParent(path, (place) => mkdtemp(place.slice(0, -RANDOM_PART.length))));
    return { path: path.slice(0, -RANDOM_PART.length) + made.slice(-RANDOM_PART.length) };
  },
});

async function isDirectory(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

function isPrivate(path: string, { data, tmp }: Places): boolean {
  return [data, tmp].some((place) => path === place || path.startsWith(`${place}/`));
}

/** A handle for times and mode. A hard-linked file may be a protected one under its other name. */
async function openForChange(canonical: string): Promise<FileHandle> {
  const handle = await openForReading(canonical);
  const stats = await handle.stat();
  if (stats.isDirectory() || stats.nlink === 1) return handle;
  await handle.close();
  throw new CapabilityFailure({ code: 'EACCES', message: `EACCES: the file has ${stats.nlink} hard links`, syscall: 'open' });
}

export const setTimes = defineCapability({
  kind: 'request',
  name: 'fs.utimes',
  params: Type.Object({ path: Path, atimeMs: Type.Number(), mtimeMs: Type.Number() }, closed),
  needs: ({ path }, context) => needWrite(path, context),
  run: async ({ atimeMs, mtimeMs }, _context, _request, needs) => {
    await using handle = await openForChange(decidedPath(needs));
    await handle.utimes(atimeMs / 1_000, mtimeMs / 1_000);
    return {};
  },
});

export const setMode = defineCapability({
  kind: 'request',
  name: 'fs.chmod',
  params: Type.Object({ path: Path, mode: Type.Integer({ minimum: 0, maximum: 0o7777 }) }, closed),
  needs: ({ path }, context) => needWrite(path, context),
  run: async ({ mode }, _context, _request, needs) => {
    await using handle = await openForChange(decidedPath(needs));
    await handle.chmod(mode & 0o777); // never setuid, setgid or sticky
    return {};
  },
});
