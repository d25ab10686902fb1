import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError } from '../../format/index.ts';
import type { RegistryHttp } from '../http/registry-http.ts';
import type { NpmConfig } from '../npm-config.ts';
import { isNpmName } from '../package-spec.ts';
import { addressOf, fetchPackument } from './fetch-packument.ts';
import { dropAnswer } from './packument-cache.ts';
import { defaultRegistry, registryOf } from './registry-of.ts';

const Names = Type.Record(Type.String(), Type.String());
const Platforms = Type.Union([Type.String(), Type.Array(Type.String())]);

/** What is used of one version on a registry; the rest of it is nobody's business. */
export type VersionManifest = Static<typeof VersionManifest>;
const VersionManifest = Type.Object({
  name: Type.String(),
  version: Type.String(),
  dependencies: Type.Optional(Names),
  optionalDependencies: Type.Optional(Names),
  peerDependencies: Type.Optional(Names),
  peerDependenciesMeta: Type.Optional(Type.Record(Type.String(), Type.Object({ optional: Type.Optional(Type.Boolean()) }))),
  os: Type.Optional(Platforms),
  cpu: Type.Optional(Platforms),
  libc: Type.Optional(Platforms),
  hasInstallScript: Type.Optional(Type.Boolean()),
  scripts: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  _npmUser: Type.Optional(Type.Object({ name: Type.Optional(Type.String()) })),
  dist: Type.Object({ tarball: Type.String(), integrity: Type.Optional(Type.String()) }),
});

const Packument = Type.Object({
  name: Type.String(),
  'dist-tags': Type.Record(Type.String(), Type.String()),
  versions: Type.Record(Type.String(), Type.Object({})),
  time: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

/** All versions of one package, as its registry tells them. */
export type Packument = Static<typeof Packument>;

/** Asks registries; each name at most once. */
export interface Packuments {
  /** @throws {DashError} PACKAGE_NOT_FOUND, REGISTRY_ERROR, REGISTRY_REPLY_INVALID, OFFLINE */
  get(name: string): Promise<Packument>;
  /**
   * Drops what was kept of a name because it is of no use, so that a registry that was mended is heard at once. Tells
   * whether asking again now can give another answer.
   */
  forget(name: string): Promise<boolean>;
  /** The registry a name belongs to, absent when it is npm's default one. */
  registryOf(name: string): Promise<string | undefined>;
}

export interface PackumentsOptions {
  readonly npm: NpmConfig;
  readonly http: RegistryHttp;
  /** Of what was asked before. */
  readonly cacheDir: string;
  readonly offline?: boolean;
}

export function openPackuments({ npm, http, cacheDir, offline = false }: PackumentsOptions): Packuments {
  const asked = new Map<string, Promise<Packument>>();
  /** Names whose last answer was fresh enough. */
  const unasked = new Set<string>();

  async function request(name: string): Promise<Packument> {
    if (!isNpmName(name)) throw new DashError('PACKAGE_NOT_FOUND', `\`${name}\` is not an npm name`, { hint: 'check the name' });
    const reply = await fetchPackument(name, { registry: await registryFor(name), http, cacheDir, offline, onFresh: () => void unasked.add(name) });
    if (!Value.Check(Packument, reply) || reply.name !== name) {
      await forget(name);
      throw new DashError('REGISTRY_REPLY_INVALID', `the registry's answer for \`${name}\` is not a package`, { hint: 'check `registry` in your `.npmrc`' });
    }
    return reply;
  }

  async function registryFor(name: string): Promise<string> {
    return (await registryOf(name, npm)) ?? (await defaultRegistry());
  }

  async function forget(name: string): Promise<boolean> {
    if (offline) return false;
    await dropAnswer(addressOf(name, await registryFor(name)), cacheDir);
    if (!unasked.delete(name)) return false;
    asked.delete(name);
    return true;
  }

  return {
    forget,
    get(name) {
      let packument = asked.get(name);
      if (packument === undefined) {
        packument = request(name);
        asked.set(name, packument);
      }
      return packument;
    },
    registryOf: (name) => registryOf(name, npm),
  };
}

/** @throws {DashError} REGISTRY_REPLY_INVALID */
export function parseVersionManifest(value: unknown, name: string): VersionManifest {
  if (Value.Check(VersionManifest, value) && value.name === name) return value;
  const first = Value.Errors(VersionManifest, value).First();
  throw new DashError(
    'REGISTRY_REPLY_INVALID',
    `the registry's answer for \`${name}\` holds a damaged version${first === undefined ? '' : `: \`${first.path}\` has the wrong form`}`,
    {
      hint: 'check `registry` in your `.npmrc`',
    },
  );
}
