import { BlockList, isIP } from 'node:net';

import { DashError, isDashError } from '../../format/index.ts';
import { realDirectory } from '../fetch/local.ts';
import { formatSpec, type PackageSpec, parseSpec } from '../package-spec.ts';
import type { Resolution } from '../resolve/resolution.ts';
import type { Workshop } from '../workshop.ts';
import type { LockRoot, Source } from './lock-entry.ts';
import { lockedRelease } from './locked-release.ts';
import { type ClaimedLock, lockTampered } from './read-lockfile.ts';

export interface LockedRoot {
  readonly resolution: Resolution;
  readonly source: Source;
}

export interface LockedRootOptions {
  readonly claimed: ClaimedLock;
  readonly workshop: Workshop;
  /** Says of a source that the user of this machine named it: then it is followed wherever it leads. */
  isFollowed(source: Source): boolean;
}

/**
 * Reads which exact thing the lock pins for a spec, without asking anybody. The pin must be one that the spec can mean.
 *
 * @throws {DashError} LOCK_TAMPERED, LOCK_INVALID
 * @throws {DashError} SOURCE_UNTRUSTED for a place on this machine or in a private network that nobody here named
 */
export async function lockedResolution(name: string, root: LockRoot, { claimed, workshop, isFollowed }: LockedRootOptions): Promise<LockedRoot> {
  const spec = parseLockedSpec(name, root, claimed);
  const entry = new Map(Object.entries(claimed.lock.packages)).get(root.id);
  const wrong = (why: string) =>
    lockTampered(claimed, ['roots', name], `\`${claimed.path}\` pins something else for \`${name}\` than \`${root.spec}\`: ${why}`);
  if (entry === undefined) throw wrong(`there is no \`${root.id}\``);
  const { source } = entry;
  if (entry.name !== name) throw wrong(`\`${root.id}\` is \`${entry.name}\``);
  if (!isFollowed(source)) assertPublic(source, name, claimed);

  switch (spec.kind) {
    case 'npm': {
      if (source.kind !== 'npm') throw wrong(`it comes from a ${source.kind} source`);
      if (spec.name !== entry.name) throw wrong(`the package is called \`${entry.name}\``);
      const { default: semver } = await import('semver');
      const isRange = semver.validRange(spec.wanted, { loose: true }) !== null;
      if (isRange && !semver.satisfies(entry.version, spec.wanted, { loose: true, includePrerelease: true }))
        throw wrong(`the version is \`${entry.version}\``);
      return { resolution: { kind: 'npm', spec, release: await lockedRelease(root.id, claimed, workshop) }, source };
    }
    case 'git': {
      if (source.kind !== 'git') throw wrong(`it comes from a ${source.kind} source`);
      if (source.url !== spec.url || source.subdir !== spec.subdir)
        throw wrong(`the repository is \`${source.url}\`, the directory \`${source.subdir ?? '.'}\``);
      const isCommit = /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(spec.ref ?? '');
      if (isCommit && spec.ref !== source.commit) throw wrong(`the commit is \`${source.commit}\``);
      return { resolution: { kind: 'git', spec, commit: source.commit }, source };
    }
    case 'tarball-url':
    case 'tarball-file': {
      const place = spec.kind === 'tarball-url' ? spec.url : spec.path;
      if (source.kind !== 'tarball' || (source.url ?? source.path) !== place) throw wrong('it comes from another place');
      return { resolution: { kind: 'tarball', spec }, source };
    }
    case 'stdin': {
      const isPiped = source.kind === 'tarball' && source.url === undefined && source.path === undefined;
      if (!isPiped || source.integrity !== spec.integrity) throw wrong('it is another archive');
      return { resolution: { kind: 'tarball', spec }, source };
    }
    case 'directory': {
      const path = await realDirectory(spec.path);
      if (source.kind !== 'directory' || source.path !== path) throw wrong('it comes from another place');
      return { resolution: { kind: 'directory', spec, path }, source };
    }
  }
}

function parseLockedSpec(name: string, { spec: text }: LockRoot, claimed: ClaimedLock): PackageSpec {
  let spec: PackageSpec | undefined;
  try {
    spec = parseSpec(text, { cwd: '/' });
  } catch (error) {
    if (!isDashError(error)) throw error;
  }
  if (spec !== undefined && formatSpec(spec) === text) return spec;
  throw new DashError('LOCK_INVALID', `\`${claimed.path}\`: \`${text}\` is not the spec of a package as Dash writes it`, {
    hint: 'take the last good version from git',
    where: claimed.where('roots', name, 'spec'),
  });
}

/** A lock comes with a repository, and may be anybody's: it must not make this machine look into itself or its network. */
function assertPublic(source: Source, name: string, claimed: ClaimedLock): void {
  const place = source.kind === 'npm' ? undefined : 'url' in source && source.url !== undefined ? source.url : 'path' in source ? source.path : undefined;
  if (place === undefined) return;
  const url = URL.parse(place);
  if (url?.protocol === 'https:' && !isPrivateHost(url.hostname)) return;
  throw new DashError('SOURCE_UNTRUSTED', `\`${claimed.path}\` takes \`${name}\` from \`${place}\`, on this machine or in a private network`, {
    hint: `if you want it, install it by name: \`dash install --local ${new Map(Object.entries(claimed.lock.roots)).get(name)?.spec ?? place}\``,
    where: claimed.where('roots', name),
  });
}

function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const family = isIP(host);
  if (family !== 0) return PRIVATE.check(host, family === 6 ? 'ipv6' : 'ipv4');
  return !host.includes('.') || /\.(localhost|local|internal|home\.arpa|lan|intranet|corp)\.?$/.test(host);
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv6');
