import { describe, expect, test } from 'vitest';
import { seccompFilter } from '../../../sandbox/os-layer/seccomp-filter.ts';
import { AUDIT_ARCH, systemCallNumber, type Machine, type SystemCall } from '../../../sandbox/os-layer/system-calls.ts';

/** What the kernel does with a filter (classic BPF as seccomp allows it): the other machine's can be run here, too. */
function answer(machine: Machine, number: number, args: readonly bigint[] = [], arch = AUDIT_ARCH[machine]): string {
  const data = Buffer.alloc(64);
  data.writeInt32LE(number, 0);
  data.writeUInt32LE(arch, 4);
  args.forEach((value, index) => data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + index * 8));
  const program = seccompFilter(machine);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const [code, ifTrue, ifFalse, value] = [program.readUInt16LE(at * 8), program[at * 8 + 2] ?? 0, program[at * 8 + 3] ?? 0, program.readUInt32LE(at * 8 + 4)];
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) at += accumulator === value ? ifTrue : ifFalse;
    else if (code === 0x45) at += (accumulator & value) !== 0 ? ifTrue : ifFalse;
    else if (code === 0x06) return value === 0x7fff0000 ? 'allowed' : value === 0x80000000 ? 'killed' : `errno ${value & 0xffff}`;
    else throw new Error(`an instruction that seccomp does not know: ${code}`);
  }
  throw new Error('the filter does not end');
}

const call = (machine: Machine, name: SystemCall, ...args: readonly (number | string)[]): string =>
  answer(machine, systemCallNumber(name, machine) ?? -1, args.map(BigInt));

describe.each(['x64', 'arm64'] as const)('the filter for %s', (machine) => {
  test.each([
    ['mount', [], 'errno 1'],
    ['umount2', [], 'errno 1'],
    ['setns', [], 'errno 1'],
    ['chroot', [], 'errno 1'],
    ['ptrace', [], 'errno 1'],
    ['keyctl', [], 'errno 1'],
    ['pidfd_getfd', [], 'errno 1'],
    ['bpf', [], 'errno 1'],
    ['open_by_handle_at', [], 'errno 1'],
    ['io_uring_setup', [], 'errno 38'],
    ['clone3', [], 'errno 38'],
    ['openat2', [], 'errno 38'],
    ['open_tree_attr', [], 'errno 38'],
    ['unshare', [0x10000000], 'errno 1'],
    ['unshare', [0x80], 'errno 1'],
    ['unshare', [0x400], 'allowed'], // CLONE_FILES
    ['clone', [0x10000000 | 17], 'errno 1'],
    ['clone', [0x40000000], 'errno 1'],
    ['clone', [17], 'allowed'],
    ['clone', [0x3d0f00], 'allowed'], // a thread
    ['socket', [1, 1, 0], 'errno 97'],
    ['socket', [40, 1, 0], 'errno 97'],
    ['socket', [17, 3, 0], 'errno 97'],
    ['socket', [2, 1, 0], 'allowed'],
    ['socket', [10, 1, 0], 'allowed'],
    ['socket', [16, 3, 0], 'allowed'],
    // the kernel reads a family and a request as `int`: what stands above does not change them
    ['socket', ['0x100000001', 1, 0], 'errno 97'],
    ['ioctl', [0, 0x5412], 'errno 1'],
    ['ioctl', [0, '0x700005412'], 'errno 1'],
    ['ioctl', [0, 0x541c], 'errno 1'],
    ['ioctl', [0, 0x5401], 'allowed'],
    ['fchmod', [3, 0o4755], 'errno 1'],
    ['fchmod', [3, 0o2755], 'errno 1'],
    ['fchmod', [3, 0o755], 'allowed'],
    ['fchmodat', [-100, 0, 0o4755], 'errno 1'],
    ['fchmodat2', [-100, 0, 0o4755], 'errno 1'],
    ['openat', [-100, 0, 0o101, 0o4755], 'errno 1'],
    ['openat', [-100, 0, 0o101, 0o755], 'allowed'],
    ['openat', [-100, 0, 0, 0o4755], 'allowed'], // the mode is not read, and may be anything
    ['openat', [-100, 0, 0o20200002, 0o6755], 'errno 1'],
    ['mknodat', [-100, 0, 0o104755], 'errno 1'],
    ['personality', [0], 'allowed'],
    ['personality', [0xffffffff], 'allowed'],
    ['personality', [0x0400000], 'errno 1'],
  ] as const)('%s %j: %s', (name, args, expected) => {
    expect(call(machine, name, ...args)).toBe(expected);
  });

  test('ordinary calls pass', () => {
    for (const number of machine === 'x64' ? [0, 1, 3, 9, 59, 231, 53] : [63, 64, 57, 222, 221, 94, 199]) expect(answer(machine, number)).toBe('allowed');
  });

  test('calls by the numbers of another machine end the program', () => {
    expect(answer(machine, 0, [], 0x40000003)).toBe('killed');
    expect(answer(machine, 0, [], AUDIT_ARCH[machine === 'x64' ? 'arm64' : 'x64'])).toBe('killed');
  });
});

test('x32, which uses the machine of x86_64 with other numbers, has no calls', () => {
  expect(answer('x64', 0x40000000 | 0)).toBe('errno 38');
  expect(answer('x64', 0x40000000 | 165)).toBe('errno 38');
});
