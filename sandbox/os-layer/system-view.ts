import { lstatSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Mount, RunAs } from './profile.ts';

const SCRATCH_MIB = 256;

/** Where systems keep their programs and libraries. On most, all but `/usr` are links into it. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];

/** What programs read of `/etc`, none of it about the user or the machine's secrets. */
const ETC =
  /^(ld\.so\..*|alternatives|ca-certificates(\.conf)?|localtime|timezone|mime\.types|magic.*|fonts|ImageMagick.*|python3.*|perl|java.*|ghc|php|ruby.*|texmf|terminfo|protocols|services|rpc|debian_version|os-release|lsb-release|redhat-release|alpine-release|crypto-policies|sgml|xml|openal|vdpau_wrapper\.cfg|emacs|gai\.conf)$/;
const TLS = ['/etc/ssl/certs', '/etc/ssl/openssl.cnf', '/etc/ssl/cert.pem', '/etc/pki/tls/certs', '/etc/pki/ca-trust/extracted'];

/**
 * The system as every confined program sees it: its programs and libraries, nothing of the user, and empty places to
 * write to. `/etc/passwd` knows one user.
 */
export async function systemView(home: string, runAs: RunAs): Promise<readonly Mount[]> {
  const mounts: Mount[] = SYSTEM.flatMap(asItIs);
  for (const name of await readdir('/etc').catch(() => [])) if (ETC.test(name)) mounts.push(...asItIs(join('/etc', name)));
  mounts.push(...TLS.flatMap(asItIs));
  const { uid, gid } = runAs.kind === 'user' ? runAs : userInfo();
  mounts.push(
    {
      kind: 'text',
      path: '/etc/passwd',
      text: `${USER}:x:${uid}:${gid}::${home}:/bin/sh\n${uid === 0 ? '' : 'root:x:0:0::/:/bin/sh\n'}nobody:x:65534:65534::/:/bin/false\n`,
    },
    { kind: 'text', path: '/etc/group', text: `${USER}:x:${gid}:\n${gid === 0 ? '' : 'root:x:0:\n'}nogroup:x:65534:\n` },
    { kind: 'text', path: '/etc/hosts', text: '127.0.0.1 localhost\n::1 localhost\n' },
    { kind: 'scratch', path: '/tmp', sizeMiB: SCRATCH_MIB },
    { kind: 'scratch', path: '/var/tmp', sizeMiB: SCRATCH_MIB },
    { kind: 'scratch', path: '/run', sizeMiB: 16 },
    { kind: 'scratch', path: '/dev/shm', sizeMiB: SCRATCH_MIB },
    { kind: 'scratch', path: home, sizeMiB: SCRATCH_MIB },
  );
  return mounts;
}

/** The name of the one user there is. */
export const USER = 'user';

/** Only what a program needs that reads no files: libraries, and what finds them. */
export function librariesOnly(): readonly Mount[] {
  return [...SYSTEM, '/etc/ld.so.cache'].flatMap(asItIs);
}

function asItIs(path: string): readonly Mount[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return stats.isSymbolicLink() ? [{ kind: 'link', path, target: readlinkSync(path) }] : [{ kind: 'read', path }];
}
