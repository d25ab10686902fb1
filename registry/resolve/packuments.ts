import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError } from '../../format/index.ts';
import type { NpmConfig } from '../npm-config.ts';
import { isNpmName } from '../package-spec.ts';
import { fetchPackument } from './fetch-packument.ts';
import { asDiskError, isErrno } from '../store/file-errors.ts';
import { registryOf } from './registry-of.ts';

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
  /** The registry a name belongs to, absent when it is npm's default one. */
  registryOf(name: string): Promise<string | undefined>;
}

export interface PackumentsOptions {
  readonly npm: NpmConfig;
  /** HTTP cache, with ETags. */
  readonly cacheDir: string;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}

export function openPackuments({ npm, cacheDir, offline = false, signal }: PackumentsOptions): Packuments {
  const asked = new Map<string, Promise<Packument>>();

  async function request(name: string): Promise<Packument> {
    if (!isNpmName(name)) throw new DashError('PACKAGE_NOT_FOUND', `\`${name}\` is not an npm name`, { hint: 'check the name' });
    let reply: unknown;
    try {
      reply = await fetchPackument(name, { ...RETRIES, ...npm, cache: cacheDir, offline, signal });
    } catch (error) {
      throw asRegistryError(error, name);
    }
    if (!Value.Check(Packument, reply) || reply.name !== name) {
      throw new DashError('REGISTRY_REPLY_INVALID', `the registry's answer for \`${name}\` is not a package`, { hint: 'check `registry` in your `.npmrc`' });
    }
    return reply;
  }

  return {
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

/** npm waits ten seconds before it asks again; a user in front of a terminal should not. */
export const RETRIES = { fetchRetries: 2, fetchRetryFactor: 3, fetchRetryMintimeout: 300, fetchRetryMaxtimeout: 5000 };

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

/** Turns a failure of npm's libraries into one the user can act on. URLs in it lose their credentials. */
export function asRegistryError(error: unknown, what: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const options = { cause: error };
  // its cache is on our disk
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EROFS')) return asDiskError(error, `keeping what the registry said of \`${what}\``);
  if (code === 'E404')
    return new DashError('PACKAGE_NOT_FOUND', `\`${what}\` is not on the registry`, {
      hint: 'check the name with `dash search`, and the registry in your `.npmrc`',
      ...options,
    });
  if (code === 'ENOTCACHED') return new DashError('OFFLINE', `\`${what}\` is not available offline`, { hint: 'try again without `--offline`', ...options });
  if (code === 'EINTEGRITY')
    return new DashError('INTEGRITY_MISMATCH', `\`${what}\` is not what the registry promised`, {
      hint: 'try again; if it stays, the archive was replaced: do not install it',
      ...options,
    });
  if (['E401', 'E403', 'ENEEDAUTH'].includes(code))
    return new DashError('REGISTRY_ERROR', `the registry refuses \`${what}\` (${code.slice(1)})`, { hint: 'log in with `npm login`', ...options });
  if (error.name === 'AbortError') return new DashError('INTERRUPTED', `interrupted while asking for \`${what}\``, options);
  if (code === 'FETCH_ERROR' || error instanceof SyntaxError || error.message.includes('invalid json')) {
    return new DashError('REGISTRY_REPLY_INVALID', `the registry's answer for \`${what}\` cannot be read`, {
      hint: 'check `registry` in your `.npmrc`',
      ...options,
    });
  }
  if (code !== '') {
    return new DashError('REGISTRY_ERROR', `the registry did not answer for \`${what}\`: ${withoutCredentials(error.message)}`, {
      hint: 'check the network and `registry` in your `.npmrc`',
      ...options,
    });
  }
  return error;
}

function withoutCredentials(text: string): string {
  return text.replaceAll(/\/\/[^/\s@]*@/g, '//');
}
