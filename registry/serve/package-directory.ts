import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import semver from 'semver';

import { syncDirectory, writeDurably } from '../store/durable-file.ts';
import { ignoreMissing } from '../store/file-errors.ts';
import { isPublishableName, tarballFile } from './npm-name.ts';
import type { PublishRequest } from './publish-request.ts';
import { RegistryRefusal } from './registry-refusal.ts';

/** A packument as it lies on disk: `dist.tarball` is added when it is served. */
export type StoredPackument = Static<typeof StoredPackument>;

/** The packages of one registry, in a directory that one process serves. */
export interface PackageDirectory {
  names(): Promise<string[]>;
  packument(name: string): Promise<StoredPackument | undefined>;
  tarball(name: string, file: string): Promise<{ readonly bytes: Buffer; readonly integrity: string } | undefined>;
  /** Resolves when the version would survive a power cut. @throws {RegistryRefusal} 403 when it exists already */
  add(request: PublishRequest, at: Date): Promise<StoredPackument>;
}

/**
 * Opens `dir` as `<dir>/<name>/{packument.json, *.tgz}`, with `+` for the slash of a scoped name.
 * The rename of `packument.json` is the commit point: a tarball it does not name does not exist.
 */
export function openPackageDirectory(dir: string): PackageDirectory {
  const inLine = oneAtATime();
  const homeOf = (name: string) => join(dir, name.replace('/', '+'));

  async function packument(name: string): Promise<StoredPackument | undefined> {
    if (!isPublishableName(name)) return undefined;
    const text = await readIfPresent(join(homeOf(name), 'packument.json'));
    if (text === undefined) return undefined;
    const value: unknown = JSON.parse(text.toString('utf8'));
    // taken as absent, the next publish would overwrite every version it held
    if (!Value.Check(StoredPackument, value)) throw new Error(`the packument of \`${name}\` is damaged`);
    return value;
  }

  return {
    async names() {
      const entries = await readdir(dir).catch(ignoreMissing);
      return (entries ?? []).map((entry) => entry.replace('+', '/')).filter(isPublishableName);
    },

    packument,

    async tarball(name, file) {
      const found = Object.values((await packument(name))?.versions ?? {}).find((version) => tarballFile(name, version.version) === file);
      if (found === undefined) return undefined;
      const bytes = await readIfPresent(join(homeOf(name), file));
      return bytes && { bytes, integrity: found.dist.integrity };
    },

    add: (request, at) =>
      inLine(async () => {
        const before = await packument(request.name);
        if (before?.versions[request.version]) {
          throw new RegistryRefusal(403, `you cannot publish over the previously published version ${request.version}`);
        }
        const after = withVersion(before, request, at);
        await mkdir(homeOf(request.name), { recursive: true });
        await writeDurably(join(homeOf(request.name), tarballFile(request.name, request.version)), request.tarball);
        await writeDurably(join(homeOf(request.name), 'packument.json'), JSON.stringify(after, null, 1));
        await syncDirectory(dir);
        return after;
      }),
  };
}

const StoredPackument = Type.Object({
  name: Type.String(),
  description: Type.Optional(Type.String()),
  'dist-tags': Type.Record(Type.String(), Type.String()),
  time: Type.Record(Type.String(), Type.String()),
  versions: Type.Record(
    Type.String(),
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      description: Type.Optional(Type.String()),
      keywords: Type.Optional(Type.Array(Type.String())),
      dist: Type.Object({ integrity: Type.String(), shasum: Type.String() }),
    }),
  ),
});

function withVersion(before: StoredPackument | undefined, request: PublishRequest, at: Date): StoredPackument {
  const { name, version, manifest, integrity, shasum } = request;
  const now = at.toISOString();
  const tags = { ...before?.['dist-tags'] };
  for (const tag of request.tags) tags[tag] = version;
  tags['latest'] ??= version;
  const versions = { ...before?.versions, [version]: { ...manifest, _id: `${name}@${version}`, dist: { integrity, shasum } } };
  return {
    ...before,
    name,
    description: versions[tags['latest']]?.description,
    'dist-tags': tags,
    time: { created: now, ...before?.time, modified: now, [version]: now },
    versions: Object.fromEntries(Object.entries(versions).toSorted(([a], [b]) => semver.compare(a, b))),
  };
}

/** Two publishes of one package read and write the same packument, so all writes stand in one line. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine;
    return mine;
  };
}

async function readIfPresent(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch(ignoreMissing);
}
