import { readFileSync } from 'node:fs';

/** How long a list of what is mounted is believed. No package can mount anything. */
const BELIEVED_MS = 1_000;

/** File systems that answer from memory or from a disk of this machine. What is not named here may be behind a network, or a program. */
const LOCAL = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'bcachefs',
  'tmpfs',
  'ramfs',
  'overlay',
  'squashfs',
  'erofs',
  'vfat',
  'exfat',
  'ntfs3',
]);

let mounts: { readonly at: number; readonly slow: readonly string[] } | undefined;

/**
 * Whether a canonical path lies on a disk of this machine, so that a system call on a small file takes microseconds: it
 * is made at once, where a round through the thread pool would take many times as long. A hung network mount must stop
 * nobody but who reads from it. `false` where the system does not say (elsewhere than on Linux).
 */
export function isOnLocalDisk(canonical: string, now: number = performance.now()): boolean {
  if (mounts === undefined || now - mounts.at > BELIEVED_MS) mounts = { at: now, slow: slowMounts(readMounts()) };
  return !mounts.slow.some((point) => canonical === point || point === '/' || canonical.startsWith(`${point}/`));
}

/** The mount points of everything else, from the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
export function slowMounts(mountinfo: string | undefined): readonly string[] {
  if (mountinfo === undefined) return ['/'];
  return mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4];
    const type = after?.split(' ')[0];
    return point === undefined || type === undefined || LOCAL.has(type) ? [] : [unescaped(point)];
  });
}

/** Blanks and backslashes of a path are written in octal there. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function readMounts(): string | undefined {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return undefined;
  }
}
