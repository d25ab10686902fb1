/** Machines whose system calls are known here. */
export type Machine = 'x64' | 'arm64';

/** `AUDIT_ARCH_…` of linux/audit.h: what a filter compares before it may read a number. */
export const AUDIT_ARCH: Readonly<Record<Machine, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Numbers on x86_64 (unistd_64.h) and aarch64 (asm-generic/unistd.h); `undefined` where a machine has no such call. */
const NUMBERS = {
  // mounts, roots and namespaces
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  setns: [308, 268],
  unshare: [272, 97],
  clone: [56, 220],
  clone3: [435, 435],
  // other processes
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  perf_event_open: [298, 241],
  // keys
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // ways into the kernel with a history of holes, which ordinary programs do without
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  modify_ldt: [154, undefined],
  personality: [135, 92],
  // files by handle, around every mount
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  // the machine itself: capabilities guard these already
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  reboot: [169, 142],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  vhangup: [153, 58],
  syslog: [103, 116],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  lookup_dcookie: [212, 18],
  uselib: [134, undefined],
  // decided on by an argument
  socket: [41, 198],
  ioctl: [16, 29],
  chmod: [90, undefined],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  open: [2, undefined],
  openat: [257, 56],
  openat2: [437, 437],
  creat: [85, undefined],
  mknod: [133, undefined],
  mknodat: [259, 33],
} as const satisfies Readonly<Record<string, readonly [number, number | undefined]>>;

export type SystemCall = keyof typeof NUMBERS;

/** Gives the number of a system call, `undefined` where the machine has none of this name. */
export function systemCallNumber(call: SystemCall, machine: Machine): number | undefined {
  return NUMBERS[call][machine === 'x64' ? 0 : 1];
}
