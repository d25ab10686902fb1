import { AUDIT_ARCH, systemCallNumber, type Machine, type SystemCall } from './system-calls.ts';

/**
 * The system calls that a confined program does not get, as a program for the kernel's filter (classic BPF,
 * linux/seccomp.h). A namespace takes away what can be named; this takes away the ways to make new names: mounts,
 * namespaces, other processes' memory, sockets that lead out by a path, keystrokes for somebody's terminal.
 */
export function seccompFilter(machine: Machine): Buffer {
  return assemble([...prologue(machine), ...RULES.flatMap((rule) => encode(rule, machine)), answer(ALLOW)]);
}

/** `arguments` are looked at in their lower 32 bits: the kernel reads all of these as an `int` or by known flags. */
interface Rule {
  readonly calls: readonly SystemCall[];
  readonly errno: number;
  /** Without it the call is refused whatever its arguments are. */
  readonly when?: { readonly argument: number } & ({ readonly anyOf: number } | { readonly is: readonly number[] } | { readonly isNot: readonly number[] });
}

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;
const CLONE_NEWTIME = 0x80;
const SET_USER_OR_GROUP_ID = 0o6000;
/** O_CREAT, and O_TMPFILE's own bit: without one of them the mode is not read and may be anything. */
const CREATES = 0o100 | 0o20000000;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const RULES: readonly Rule[] = [
  {
    calls: ['mount', 'umount2', 'pivot_root', 'chroot', 'open_tree', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'mount_setattr', 'setns'],
    errno: EPERM,
  },
  { calls: ['open_tree_attr'], errno: ENOSYS },
  { calls: ['unshare'], errno: EPERM, when: { argument: 0, anyOf: NEW_NAMESPACES | CLONE_NEWTIME } },
  { calls: ['clone'], errno: EPERM, when: { argument: 0, anyOf: NEW_NAMESPACES } },
  // Its flags lie in memory, where a filter cannot look: every libc falls back to `clone`.
  { calls: ['clone3'], errno: ENOSYS },
  { calls: ['ptrace', 'process_vm_readv', 'process_vm_writev', 'process_madvise', 'pidfd_getfd', 'kcmp', 'perf_event_open'], errno: EPERM },
  { calls: ['add_key', 'request_key', 'keyctl'], errno: EPERM },
  { calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'], errno: ENOSYS },
  { calls: ['bpf', 'userfaultfd', 'modify_ldt', 'name_to_handle_at', 'open_by_handle_at', 'fanotify_init'], errno: EPERM },
  // PER_LINUX, without randomisation, and the question what it is.
  { calls: ['personality'], errno: EPERM, when: { argument: 0, isNot: [0, 0x0040000, 0xffffffff] } },
  {
    calls: [
      'kexec_load',
      'kexec_file_load',
      'init_module',
      'finit_module',
      'delete_module',
      'quotactl',
      'quotactl_fd',
      'swapon',
      'swapoff',
      'acct',
      'reboot',
      'sethostname',
      'setdomainname',
      'settimeofday',
      'clock_settime',
      'vhangup',
      'syslog',
      'iopl',
      'ioperm',
      'lookup_dcookie',
      'uselib',
    ],
    errno: EPERM,
  },
  // A pair of connected sockets is `socketpair`: programs that talk to their own children keep it.
  { calls: ['socket'], errno: EAFNOSUPPORT, when: { argument: 0, isNot: [AF_INET, AF_INET6, AF_NETLINK] } },
  { calls: ['ioctl'], errno: EPERM, when: { argument: 1, is: [TIOCSTI, TIOCLINUX] } },
  // A setuid program that stays behind in the workspace would run with the user's rights for everybody.
  { calls: ['chmod', 'fchmod'], errno: EPERM, when: { argument: 1, anyOf: SET_USER_OR_GROUP_ID } },
  { calls: ['fchmodat', 'fchmodat2'], errno: EPERM, when: { argument: 2, anyOf: SET_USER_OR_GROUP_ID } },
  { calls: ['creat', 'mknod'], errno: EPERM, when: { argument: 1, anyOf: SET_USER_OR_GROUP_ID } },
  { calls: ['mknodat'], errno: EPERM, when: { argument: 2, anyOf: SET_USER_OR_GROUP_ID } },
  // Its mode lies in memory, too; programs fall back to `openat`.
  { calls: ['openat2'], errno: ENOSYS },
];

const LD_ABS = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JEQ = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JSET = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RET = 0x06; // BPF_RET | BPF_K
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const ERRNO = 0x00050000;

/** Offsets in `struct seccomp_data`; both machines are little-endian, so the lower half of an argument comes first. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly value: number;
}

const load = (offset: number): Instruction => ({ code: LD_ABS, ifTrue: 0, ifFalse: 0, value: offset });
const answer = (value: number): Instruction => ({ code: RET, ifTrue: 0, ifFalse: 0, value });
const jump = (code: number, value: number, ifTrue: number, ifFalse: number): Instruction => ({ code, ifTrue, ifFalse, value });

/** Other tables of numbers reach the same kernel: 32-bit calls on both machines, and x32, which says so by a bit. */
function prologue(machine: Machine): readonly Instruction[] {
  const x32 = 0x40000000;
  return [
    load(ARCHITECTURE),
    jump(JEQ, AUDIT_ARCH[machine], 1, 0),
    answer(KILL),
    load(NUMBER),
    ...(machine === 'x64' ? [jump(JSET, x32, 0, 1), answer(ERRNO | ENOSYS)] : []),
    ...createsWithBits(machine),
  ];
}

/**
 * `open` and `openat` read their mode only where they create. Two arguments are looked at, so these have a form of
 * their own: number, flags, mode.
 */
function createsWithBits(machine: Machine): readonly Instruction[] {
  return (['open', 'openat'] as const).flatMap((call) => {
    const number = systemCallNumber(call, machine);
    const flags = call === 'open' ? 1 : 2;
    if (number === undefined) return [];
    return [
      load(NUMBER),
      jump(JEQ, number, 0, 6),
      load(argumentAt(flags)),
      jump(JSET, CREATES, 0, 3),
      load(argumentAt(flags + 1)),
      jump(JSET, SET_USER_OR_GROUP_ID, 0, 1),
      answer(ERRNO | EPERM),
      load(NUMBER),
    ];
  });
}

/** Each call is compared and answered on its own: no jump is long enough to overflow its byte. */
function encode({ calls, errno, when }: Rule, machine: Machine): readonly Instruction[] {
  const refusal = answer(ERRNO | errno);
  return calls.flatMap((call) => {
    const number = systemCallNumber(call, machine);
    if (number === undefined) return [];
    if (when === undefined) return [jump(JEQ, number, 0, 1), refusal];
    const body = [load(argumentAt(when.argument)), ...condition(when, refusal), load(NUMBER)];
    return [jump(JEQ, number, 0, body.length), ...body];
  });
}

function condition(when: NonNullable<Rule['when']>, refusal: Instruction): readonly Instruction[] {
  if ('anyOf' in when) return [jump(JSET, when.anyOf, 0, 1), refusal];
  if ('is' in when) return when.is.flatMap((value) => [jump(JEQ, value, 0, 1), refusal]);
  // Past the refusal as soon as one of them fits.
  return [...when.isNot.map((value, index) => jump(JEQ, value, when.isNot.length - index, 0)), refusal];
}

/** `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, ifTrue, ifFalse, value }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  });
  return bytes;
}
