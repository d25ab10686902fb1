import { Type } from '@sinclair/typebox';
import { copyFile, cp, lstat, mkdir, mkdtemp, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { canonicalParent, canonicalPath, handlePath, openDirectory, openForReading, openForWriting } from '../confine-path.ts';
import { CapabilityFailure, defineCapability, type CapabilityContext, type Need } from '../define-capability.ts';
import { decidedPath, needRead, Path } from './fs-read.ts';

/** Files and directories, changed. `fs:write` does not imply `fs:read`: a copy needs both. */
const closed = { additionalProperties: false } as const;
const DEFAULT_FILE_MODE = 0o644;

async function needWrite(path: string, { places }: CapabilityContext): Promise<readonly Need[]> {
  const canonical = await canonicalPath(path, places.workspace);
  return [{ effect: { kind: 'fs', access: 'write', path: canonical }, target: canonical }];
}

/** For what acts on a name and not on what a link there leads to. */
async function needWriteName(path: string, { places }: CapabilityContext): Promise<readonly Need[]> {
  const canonical = await canonicalParent(path, places.workspace);
  return [{ effect: { kind: 'fs', access: 'write', path: canonical }, target: canonical }];
}

/** Runs `action` on a path that goes through the verified, open parent directory. */
async function inParent<T>(canonical: string, action: (path: string) => Promise<T>): Promise<T> {
  await using parent = await openDirectory(dirname(canonical));
  return action(handlePath(parent, basename(canonical), canonical));
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
  run: async ({ text, base64, flag, mode = DEFAULT_FILE_MODE }, _context, _request, needs) => {
    await using handle = await openForWriting(decidedPath(needs), flag, mode);
    const bytes = base64 === undefined ? Buffer.from(text ?? '', 'utf8') : Buffer.from(base64, 'base64');
    await handle.writeFile(bytes);
    return { bytes: bytes.length };
  },
});

export const makeDirectory = defineCapability({
  kind: 'request',
  name: 'fs.mkdir',
  params: Type.Object({ path: Path, recursive: Type.Boolean() }, closed),
  needs: ({ path }, context) => needWrite(path, context),
  run: async ({ recursive }, _context, _request, needs) => {
    const path = decidedPath(needs);
    if (!recursive) {
      await inParent(path, (place) => mkdir(place));
      return { first: path };
    }
    // Every missing step is made through its verified parent: `mkdir -p` on the whole path would follow a link
    // that appears in between.
    const missing: string[] = [];
    for (let step = path; !(await exists(step)); step = dirname(step)) missing.unshift(step);
    for (const step of missing) {
      await inParent(step, (place) => mkdir(place)).catch((error: NodeJS.ErrnoException) => {
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
  run: async ({ recursive, force, kind }, { places }, _request, needs) => {
    const path = decidedPath(needs);
    if (Object.values(places).includes(path)) throw new CapabilityFailure({ code: 'EBUSY', message: 'EBUSY: this directory is a place of its own', syscall: 'rm' });
    await inParent(path, async (place) => {
      if (kind === 'file') return unlink(place);
      if (kind === 'directory') return recursive ? rm(place, { recursive, force }) : rmdir(place);
      return rm(place, { recursive, force });
    }).catch((error: NodeJS.ErrnoException) => {
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
    return [
      { effect: { kind: 'fs', access: 'write', path: source }, target: source },
      ...(await needWriteName(to, context)),
      { effect: { kind: 'fs', access: 'read', path: source }, target: source },
    ];
  },
  run: async (_params, _context, _request, needs) => {
    const [from, to] = [decidedPath(needs, 0), decidedPath(needs, 1)];
    // A link carried elsewhere points elsewhere: `./a -> b` is harmless here and may not be there.
    if (!(await lstat(from)).isFile() && !(await lstat(from)).isDirectory()) {
      throw new CapabilityFailure({ code: 'EACCES', message: 'EACCES: only files and directories can be renamed', syscall: 'rename' });
    }
    await inParent(from, (source) => inParent(to, (target) => rename(source, target)));
    return {};
  },
});

export const copy = defineCapability({
  kind: 'request',
  name: 'fs.copy',
  params: Type.Object({ from: Path, to: Path, recursive: Type.Boolean(), force: Type.Boolean() }, closed),
  needs: async ({ from, to }, context) => [...(await needRead(from, context)), ...(await needWrite(to, context))],
  run: async ({ recursive, force }, _context, _request, needs) => {
    const [from, to] = [decidedPath(needs, 0), decidedPath(needs, 1)];
    if (recursive) {
      // Links inside the tree are refused, not copied: what they lead to was not decided on.
      await cp(from, to, { recursive, force, errorOnExist: !force, filter: async (source) => !(await lstat(source)).isSymbolicLink() });
      return {};
    }
    await using source = await openForReading(from);
    await using target = await openForWriting(to, force ? 'w' : 'wx', DEFAULT_FILE_MODE);
    if (process.platform === 'linux') await copyFile(`/proc/self/fd/${source.fd}`, `/proc/self/fd/${target.fd}`);
    else await target.writeFile(await source.readFile());
    return {};
  },
});

export const makeTemporaryDirectory = defineCapability({
  kind: 'request',
  name: 'fs.mkdtemp',
  params: Type.Object({ prefix: Path }, closed),
  needs: ({ prefix }, context) => needWrite(prefix, context),
  run: async (_params, _context, _request, needs) => {
    const prefix = decidedPath(needs);
    const made = await inParent(prefix, (place) => mkdtemp(place));
    return { path: `${prefix}${made.slice(-6)}` };
  },
});

export const setTimes = defineCapability({
  kind: 'request',
  name: 'fs.utimes',
  params: Type.Object({ path: Path, atimeMs: Type.Number(), mtimeMs: Type.Number() }, closed),
  needs: ({ path }, context) => needWrite(path, context),
  run: async ({ atimeMs, mtimeMs }, _context, _request, needs) => {
    await using handle = await openForReading(decidedPath(needs));
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
    await using handle = await openForReading(decidedPath(needs));
    await handle.chmod(mode & 0o777); // never setuid, setgid or sticky
    return {};
  },
});
