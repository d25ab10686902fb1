import { Type } from '@sinclair/typebox';
import { lstatSync, statSync, watch, type Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import { isProtectedRead } from '../../format/index.ts';
import { assertRegularFile, canonicalParent, canonicalPath, lexicalPath, openDirectory, openForReading, handlePath, readSmallFile } from '../confine-path.ts';
import {
  CapabilityFailure,
  defineCapability,
  defineSubscription,
  PACKAGE_ROOT,
  type CapabilityContext,
  type Need,
  type Request,
} from '../define-capability.ts';
import { isOnLocalDisk } from '../local-disk.ts';
import { OtherNames } from '../os-layer/index.ts';

/** Files and directories, read. Every member acts on the canonical path that was decided on. */
const closed = { additionalProperties: false } as const;
export const Path = Type.String({ minLength: 1, maxLength: 4_096 });

/** What one read may bring into memory, here and in the guest. */
const MAX_READ_BYTES = 32 * 1024 * 1024;
const MAX_SMALL_BYTES = 64 * 1024;
const MAX_DIRECTORY_ENTRIES = 20_000;

export async function needRead(path: string, context: CapabilityContext): Promise<readonly Need[]> {
  const own = await ownFile(path, context);
  if (own !== undefined) return [own];
  return [fileNeed('read', await canonicalPath(path, context.places.workspace), path, context)];
}

/** The need for a path that was made canonical from what the guest gave. */
export function fileNeed(access: 'read' | 'write', canonical: string, given: string, { places }: CapabilityContext): Need {
  return { effect: { kind: 'fs', access, path: canonical }, target: canonical, asked: lexicalPath(given, places.workspace) };
}

/** The same need for what a directory holds under `name`. */
export function needBelow({ effect, target, asked, own }: Need, name: string): Need {
  if (effect.kind !== 'fs') throw new Error('only directories hold something');
  const isOwn = own === true && !holdsSecret(posix.join(target, name));
  return {
    effect: { ...effect, path: join(effect.path, name) },
    target: join(target, name),
    ...(asked !== undefined && { asked: join(asked, name) }),
    ...(isOwn && { own }),
  };
}

/** A linked directory is where its author works: its `.env` did not come with the package either. */
function holdsSecret(path: string): boolean {
  return isProtectedRead(path, { workspace: PACKAGE_ROOT, home: PACKAGE_ROOT, data: '/-', tmp: '/-' });
}

/** `/package/…` and `/package/node_modules/NAME/…`: files of the package itself and of its dependencies. */
async function ownFile(path: string, { ownDirectory }: CapabilityContext): Promise<Need | undefined> {
  const normal = posix.normalize(path);
  if (normal !== PACKAGE_ROOT && !normal.startsWith(`${PACKAGE_ROOT}/`)) return undefined;
  const [, dependency, inside = ''] = /^\/node_modules\/((?:@[^/]+\/)?[^/]+)(.*)$/.exec(normal.slice(PACKAGE_ROOT.length)) ?? [];
  const directory = ownDirectory(dependency);
  if (directory === undefined) return undefined;
  const root = await canonicalPath(directory, '/');
  const canonical = await canonicalPath(join(root, dependency === undefined ? normal.slice(PACKAGE_ROOT.length) : inside), '/');
  // A linked directory may hold links; what they lead to did not come with the package.
  if (canonical !== root && !canonical.startsWith(`${root}/`)) return undefined;
  if (holdsSecret(posix.join(PACKAGE_ROOT, relative(root, canonical)))) return undefined;
  return { effect: { kind: 'fs', access: 'read', path: canonical }, target: normal, own: true };
}

/** The path of the first need: file capabilities have exactly one for each path parameter. */
export function decidedPath(needs: readonly Need[], index = 0): string {
  const effect = needs[index]?.effect;
  if (effect?.kind !== 'fs') throw new Error('a file capability without a file effect');
  return effect.path;
}

export const readFile = defineCapability({
  kind: 'request',
  name: 'fs.readFile',
  params: Type.Object({ path: Path, encoding: Type.Optional(Type.Literal('utf8')) }, closed),
  needs: ({ path }, context) => needRead(path, context),
  run: async ({ encoding }, context, request, needs) => {
    const path = decidedPath(needs);
    const small = isOnLocalDisk(path) ? readSmallFile(path, MAX_SMALL_BYTES) : undefined;
    const bytes = small?.stats.nlink === 1 ? small.bytes : await readAnyFile(needs, context, request);
    return encoding === 'utf8' ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
  },
});

async function readAnyFile(needs: readonly Need[], context: CapabilityContext, request: Request): Promise<Buffer> {
  await using handle = await openForReading(decidedPath(needs));
  const stats = await assertRegularFile(handle);
  if (stats.nlink > 1) await decideOtherName(stats, needs[0], context, request);
  const { size } = stats;
  if (size > MAX_READ_BYTES)
    throw new CapabilityFailure({ code: 'EFBIG', message: `EFBIG: ${size} bytes are more than one read may bring (${MAX_READ_BYTES})`, syscall: 'read' });
  // awaited while it is open: a failure that nobody waits for yet would end the agent
  return await handle.readFile();
}

const otherNames = new WeakMap<CapabilityContext, OtherNames>();

/** A secret is one under each of its names: who reads another one needs the right to the file as it is protected. */
export async function decideOtherName(stats: Stats, need: Need | undefined, context: CapabilityContext, { decide }: Request): Promise<void> {
  if (need === undefined || need.own === true) return;
  const known = otherNames.get(context) ?? new OtherNames(context.places);
  otherNames.set(context, known);
  const path = await known.protectedNameOf(stats);
  if (path !== undefined && path !== need.target)
    await decide({ effect: { kind: 'fs', access: 'read', path }, target: path, ...(need.asked !== undefined && { asked: need.asked }) });
}

export const statFile = defineCapability({
  kind: 'request',
  name: 'fs.stat',
  params: Type.Object({ path: Path, follow: Type.Boolean() }, closed),
  needs: async ({ path, follow }, context) => {
    const own = await ownFile(path, context);
    if (follow || own !== undefined) return own === undefined ? needRead(path, context) : [own];
    return [fileNeed('read', await canonicalParent(path, context.places.workspace), path, context)];
  },
  run: async (_params, _context, _request, needs) => {
    const path = decidedPath(needs);
    const stats = isOnLocalDisk(path) ? lstatSync(path) : await lstat(path);
    return {
      type: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other',
      size: stats.size,
      mode: stats.mode,
      mtimeMs: stats.mtimeMs,
      atimeMs: stats.atimeMs,
      ctimeMs: stats.ctimeMs,
      birthtimeMs: stats.birthtimeMs,
      ino: stats.ino,
      dev: stats.dev,
      nlink: stats.nlink,
      uid: stats.uid,
      gid: stats.gid,
    };
  },
});

export const readDirectory = defineCapability({
  kind: 'request',
  name: 'fs.readdir',
  params: Type.Object({ path: Path, recursive: Type.Boolean() }, closed),
  needs: ({ path }, context) => needRead(path, context),
  run: async ({ recursive }, _context, { signal, permits }, needs) => {
    const root = decidedPath(needs);
    const [need] = needs;
    const entries: { name: string; parent: string; type: string }[] = [];
    const pending = [''];
    for (let directory = pending.shift(); directory !== undefined; directory = pending.shift()) {
      signal.throwIfAborted();
      await using handle = await openDirectory(join(root, directory));
      for (const entry of await readdir(handlePath(handle, '.', join(root, directory)), { withFileTypes: true })) {
        if (entries.length >= MAX_DIRECTORY_ENTRIES)
          throw new CapabilityFailure({ code: 'EFBIG', message: `EFBIG: more than ${MAX_DIRECTORY_ENTRIES} entries`, syscall: 'scandir' });
        const type = entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'other';
        entries.push({ name: entry.name, parent: directory, type });
        // A directory that is denied or protected is named, as in any listing of its parent, and not looked into.
        const inside = join(directory, entry.name);
        if (recursive && type === 'directory' && need !== undefined && permits(needBelow(need, inside))) pending.push(inside);
      }
    }
    return { entries };
  },
});

export const access = defineCapability({
  kind: 'request',
  name: 'fs.access',
  params: Type.Object({ path: Path, mode: Type.Integer({ minimum: 0, maximum: 7 }) }, closed),
  needs: async ({ path, mode }, context) => {
    if ((mode & 2) === 0) return needRead(path, context);
    return [fileNeed('write', await canonicalPath(path, context.places.workspace), path, context)];
  },
  run: async (_params, _context, _request, needs) => {
    const path = decidedPath(needs);
    if (isOnLocalDisk(path)) statSync(path);
    else await stat(path);
    return {};
  },
});

export const realPath = defineCapability({
  kind: 'request',
  name: 'fs.realpath',
  params: Type.Object({ path: Path }, closed),
  needs: ({ path }, context) => needRead(path, context),
  run: async (_params, _context, _request, needs) => {
    const path = decidedPath(needs);
    await stat(path);
    return { path: needs[0]?.own === true ? needs[0].target : path };
  },
});

export const watchPath = defineSubscription({
  kind: 'subscription',
  name: 'fs.watch',
  params: Type.Object({ path: Path, recursive: Type.Boolean() }, closed),
  // A watcher speaks outside of calls: it is work in the background as well as a read.
  needs: async ({ path }, context) => [...(await needRead(path, context)), { effect: { kind: 'area', area: 'background' }, target: `watch ${path}` }],
  start: ({ recursive }, _context, { signal, permits, event, error }, needs) => {
    const [need] = needs;
    // As in a recursive listing: a directory that is denied or protected has a name, and what it holds has none.
    const isShown = (filename: string): boolean => {
      const directory = dirname(filename);
      return directory === '.' || (need !== undefined && permits(needBelow(need, directory)));
    };
    const watcher = watch(decidedPath(needs), { recursive, persistent: false, signal }, (type, filename) => {
      if (filename === null || isShown(filename)) event({ event: type, filename });
    });
    watcher.on('error', error);
  },
});
