import { describe, expect, test } from 'vitest';
import { isOnLocalDisk, slowMounts } from '../../sandbox/local-disk.ts';

const MOUNTINFO = [
  '22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw',
  '28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '31 28 0:27 / /tmp rw - tmpfs tmpfs rw',
  '40 28 0:45 / /home/ada/far\\040away rw,nosuid - fuse.sshfs ada@far: rw,user_id=1000',
  '41 28 0:46 / /mnt/c rw shared:2 master:3 - 9p C: rw',
  '',
].join('\n');

describe('slowMounts', () => {
  test('names what does not lie on a disk of this machine, or is none at all', () => {
    expect(slowMounts(MOUNTINFO)).toEqual(['/sys', '/home/ada/far away', '/mnt/c']);
  });

  test('is everything where the system does not say, and where the root itself lies elsewhere', () => {
    expect(slowMounts(undefined)).toEqual(['/']);
    expect(slowMounts('28 1 0:20 / / rw - nfs4 server:/ rw\n')).toEqual(['/']);
  });
});

describe.runIf(process.platform === 'linux')('isOnLocalDisk', () => {
  test('tells files of the kernel from files on a disk', () => {
    expect(isOnLocalDisk('/proc/version')).toBe(false);
    expect(isOnLocalDisk('/proc')).toBe(false);
    expect(isOnLocalDisk('/process')).toBe(isOnLocalDisk('/'));
  });
});
