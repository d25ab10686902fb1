import type { Agent } from 'node:http';

import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError, isDashError, type PackageManifest, parseJson, parseManifest } from '../../format/index.ts';
import { openAgents } from '../http/agents.ts';
import { credentialsFor } from '../http/credentials.ts';
import { confineToOrigin } from '../http/one-origin.ts';
import { openRegistryHttp } from '../http/registry-http.ts';
import type { NpmConfig } from '../npm-config.ts';
import { addressOf, MAX_PACKUMENT_BYTES } from '../resolve/fetch-packument.ts';
import { defaultRegistry, registryOf } from '../resolve/registry-of.ts';
import { check, type CheckPorts, type CheckResult } from './check.ts';
import { pack, type PackedPackage } from './pack.ts';
import { type PermissionChange, permissionChange } from './permission-change.ts';
import { readPublishConfig } from './publish-config.ts';

export interface PublishOptions {
  readonly dir: string;
  readonly ports: CheckPorts;
  /** From `readNpmConfig`. */
  readonly npm: NpmConfig;
  /** `--registry`: said now, it counts more than what the package says of itself. */
  readonly registry?: string;
  /** Without it nothing is sent. */
  readonly confirm: boolean;
  /** Default what the package says in `publishConfig`, then `latest`; a prerelease needs a tag of its own. */
  readonly tag?: string;
  readonly access?: 'public' | 'restricted';
  /** Signs where the package was built; CI only. */
  readonly provenance?: boolean;
  readonly signal?: AbortSignal;
}

export interface PublishResult {
  readonly kind: 'published' | 'dry-run';
  readonly packed: PackedPackage;
  readonly check: CheckResult;
  /** The version this one is compared with; `undefined` for a first publish. */
  readonly previous: string | undefined;
  readonly permissionChange: PermissionChange;
  readonly tag: string;
  /** Where it goes; without a password that the address may carry. */
  readonly registry: string;
}

/**
 * Checks, packs and compares the package in `dir` with its last published version, then sends it to
 * the registry if that is confirmed.
 *
 * @throws {DashError} CHECK_FAILED when a check finds an error; PUBLISH_FAILED when the registry refuses
 */
export async function publish({ dir, ports, confirm, provenance, signal, ...options }: PublishOptions): Promise<PublishResult> {
  const checked = await check(dir, ports);
  if (!checked.ok) {
    const errors = checked.diagnostics.filter(({ severity }) => severity === 'error');
    throw new DashError('CHECK_FAILED', `${errors.length} ${errors.length === 1 ? 'error' : 'errors'}, the first: ${errors[0]?.message}`, {
      hint: '`dash check` lists them all',
      where: errors[0]?.where,
    });
  }
  const packed = await pack(dir);
  if (packed.packageJson['private'] === true) {
    throw new DashError('PUBLISH_FAILED', `\`${packed.manifest.name}\` is private`, { hint: 'remove `private` from package.json' });
  }
  const said = readPublishConfig(packed.packageJson);
  const { tag = said.tag, access = said.access } = options;
  const bound = options.registry ?? said.registry;
  const npm = { ...options.npm, ...(bound !== undefined && { registry: bound }) };
  const isPrerelease = packed.manifest.version.includes('-');
  if (isPrerelease && tag === undefined) {
    throw new DashError('INPUT_REQUIRED', `${packed.manifest.version} is a prerelease; as \`latest\` everybody would get it`, {
      hint: 'name a tag: `dash publish --tag next`',
    });
  }

  const registry = (await registryOf(packed.manifest.name, npm)) ?? (await defaultRegistry());
  const previous = await lastPublished(packed.manifest.name, { npm, registry, signal });
  const { origin, pathname } = new URL(registry);
  const result = {
    registry: `${origin}${pathname}`,
    packed,
    check: checked,
    previous: previous?.version,
    permissionChange: permissionChange(previous, packed.manifest),
    tag: tag ?? 'latest',
  };
  if (!confirm) return { kind: 'dry-run', ...result };

  signal?.throwIfAborted();
  await send(packed, { ...npm, agent: agentFor(registry, npm), defaultTag: tag ?? 'latest', ...(access && { access }), ...(provenance && { provenance }) });
  return { kind: 'published', ...result };
}

interface Place {
  readonly npm: NpmConfig;
  readonly registry: string;
  readonly signal: AbortSignal | undefined;
}

async function lastPublished(name: string, { npm, registry, signal }: Place): Promise<PackageManifest | undefined> {
  const request = { what: name, headers: { accept: 'application/json' }, registry, maxBytes: MAX_PACKUMENT_BYTES, compressed: true };
  const answer = await openRegistryHttp({ npm, signal })
    .get(addressOf(name, registry), request)
    .catch((error: unknown) => {
      if (isDashError(error, 'PACKAGE_NOT_FOUND')) return undefined;
      throw error;
    });
  if (answer === undefined) return undefined;
  const text = answer.body.toString('utf8');
  const latest = latestIn(text, name);
  if (latest === undefined) return undefined;
  try {
    return parseManifest(JSON.stringify(latest), `${name} on the registry`);
  } catch (error) {
    if (isDashError(error)) return undefined; // an older version that today's rules refuse asked for nothing we could compare
    throw error;
  }
}

const Packument = Type.Object({ 'dist-tags': Type.Record(Type.String(), Type.String()), versions: Type.Record(Type.String(), Type.Unknown()) });

function latestIn(text: string, name: string): unknown {
  const { value } = parseJson(text, `the registry's answer for \`${name}\``, 'REGISTRY_REPLY_INVALID');
  if (!Value.Check(Packument, value)) return undefined;
  const latest = Object.hasOwn(value['dist-tags'], 'latest') ? value['dist-tags']['latest'] : undefined;
  return latest !== undefined && Object.hasOwn(value.versions, latest) ? value.versions[latest] : undefined;
}

function agentFor(registry: string, npm: NpmConfig): Agent {
  const url = new URL(registry);
  return confineToOrigin(openAgents(npm).for(url, credentialsFor(url, npm, url)), url);
}

async function send(packed: PackedPackage, options: Readonly<Record<string, unknown>>): Promise<void> {
  const { publish: sendToRegistry } = await import('libnpmpublish');
  const { name, version } = packed.manifest;
  try {
    await sendToRegistry(packed.packageJson, packed.tarball, options);
  } catch (error) {
    if (isDashError(error)) throw error;
    throw new DashError('PUBLISH_FAILED', `the registry refused \`${name}@${version}\`: ${error instanceof Error ? error.message : String(error)}`, {
      hint: hintFor(error),
      cause: error,
    });
  }
}

function hintFor(error: unknown): string {
  if (hasStatus(error, 401) || hasCode(error, 'ENEEDAUTH')) return "log in with `npm login`, or set the registry's `_authToken` in your .npmrc";
  if (hasCode(error, 'EOTP')) return 'the registry wants a one-time password: publish from CI, or with a token that needs none';
  if (hasStatus(error, 403) || hasStatus(error, 409)) return 'a published version never changes: raise `version` in package.json';
  return "nothing was published; the registry's reason stands above";
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
