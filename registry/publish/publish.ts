import { DashError, isDashError, type PackageManifest, parseManifest } from '../../format/index.ts';
import { check, type CheckPorts, type CheckResult } from './check.ts';
import { pack, type PackedPackage } from './pack.ts';
import { type PermissionChange, permissionChange } from './permission-change.ts';

/** Registry, auth, proxy and certificates as npm's configuration gives them to its libraries. */
export type NpmOptions = Readonly<Record<string, unknown>>;

export interface PublishOptions {
  readonly dir: string;
  readonly ports: CheckPorts;
  readonly npm: NpmOptions;
  /** Without it nothing is sent. */
  readonly confirm: boolean;
  /** Default `latest`; a prerelease needs a tag of its own. */
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
}

/**
 * Checks, packs and compares the package in `dir` with its last published version, then sends it to
 * the registry if that is confirmed.
 *
 * @throws {DashError} CHECK_FAILED when a check finds an error; PUBLISH_FAILED when the registry refuses
 */
export async function publish({ dir, ports, npm, confirm, tag, access, provenance, signal }: PublishOptions): Promise<PublishResult> {
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
  const isPrerelease = packed.manifest.version.includes('-');
  if (isPrerelease && tag === undefined) {
    throw new DashError('INPUT_REQUIRED', `${packed.manifest.version} is a prerelease; as \`latest\` everybody would get it`, {
      hint: 'name a tag: `dash publish --tag next`',
    });
  }

  const previous = await lastPublished(packed.manifest.name, npm);
  const result = { packed, check: checked, previous: previous?.version, permissionChange: permissionChange(previous, packed.manifest), tag: tag ?? 'latest' };
  if (!confirm) return { kind: 'dry-run', ...result };

  signal?.throwIfAborted();
  await send(packed, { ...npm, defaultTag: tag ?? 'latest', ...(access && { access }), ...(provenance && { provenance }) });
  return { kind: 'published', ...result };
}

async function lastPublished(name: string, npm: NpmOptions): Promise<PackageManifest | undefined> {
  const { default: pacote } = await import('pacote');
  try {
    const packument = await pacote.packument(name, { ...npm, fullMetadata: true, preferOnline: true, ignoreScripts: true });
    const manifest = packument.versions[packument['dist-tags']['latest'] ?? ''];
    return manifest && parseManifest(JSON.stringify(manifest), `${name} on the registry`);
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    if (isDashError(error)) return undefined; // an older version that today's rules refuse asked for nothing we could compare
    throw new DashError('REGISTRY_ERROR', `the registry did not answer for \`${name}\``, { hint: 'run the command again when it is reachable', cause: error });
  }
}

async function send(packed: PackedPackage, options: Readonly<Record<string, unknown>>): Promise<void> {
  const { publish: sendToRegistry } = await import('libnpmpublish');
  const { name, version } = packed.manifest;
  try {
    await sendToRegistry(packed.packageJson, packed.tarball, options);
  } catch (error) {
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
