import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layer, openConfinedScene, SECRET, type ConfinedScene } from '../support/confined-scene.ts';

/**
 * Ways out of the confinement, each a whole program. It prints ESCAPED when its trick worked; the control arm runs the
 * same program as an agent without confinement would, where it does work. Raw system calls are made with perl, which
 * every Debian has.
 */
const ESCAPED = 'ESCAPED';
const isRoot = process.getuid?.() === 0;
const hasPerl = works('perl', ['-e', '1']);
const isX64 = process.arch === 'x64';

function works(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface Trick {
  readonly name: string;
  readonly script: string;
  /** Why the trick cannot be shown to work unconfined on this machine. */
  readonly noControl?: string | false;
  readonly needs?: 'perl';
}

/** The program says ESCAPED when it reads the user's secret. */
const reading = (command: string): string => `{ ${command}; } 2>&1 | grep -q '${SECRET}' && echo ${ESCAPED}; echo held`;
/** … when the command succeeds. */
const doing = (command: string): string => `if { ${command}; } >&2; then echo ${ESCAPED}; fi; echo held`;
/** A system call by its numbers on x86_64; it escaped unless the kernel said EPERM or ENOSYS. */
const calling = (call: string): string =>
  `perl -e '@call = (${call}); $r = syscall(shift @call, @call); print(($r == -1 && ($! + 0 == 1 || $! + 0 == 38)) ? "" : "${ESCAPED}\\n")' || exit 9; echo held`;
const onlyRoot = !isRoot && 'only root can do this unconfined';

const SECRETS: readonly Trick[] = [
  { name: 'a secret by its path', script: reading('cat .env') },
  { name: 'a secret in a directory below', script: reading('cat config/.env.local') },
  { name: 'a key by its ending', script: reading('cat server.pem') },
  { name: 'a secret by another name of the same file', script: reading('cat output/innocent.txt') },
  { name: 'a secret of the home directory by another name in the workspace', script: reading('cat harmless.txt') },
  { name: 'a symbolic link that leads out', script: reading('cat link.txt') },
  { name: 'the home directory by its path', script: reading('cat "$USERHOME/notes.txt"') },
  { name: 'the home directory through /proc/self/root', script: reading('cat "/proc/self/root$USERHOME/notes.txt"') },
  { name: 'the home directory through the root of the agent', script: reading('cat "/proc/$AGENT/root$USERHOME/notes.txt"') },
  { name: 'the home directory through a working directory', script: reading('cat /proc/$$/cwd/../home/notes.txt') },
  { name: 'a secret through the working directory in /proc', script: reading('cat /proc/self/cwd/.env') },
  { name: 'the grants of Dash', script: reading('cat "$USERHOME/.dash/grants.json"') },
  { name: 'chmod before reading', script: reading('chmod 777 .env; cat .env') },
  { name: 'a copy of the whole tree', script: reading('cp -r . "$DATA/copy"; cat "$DATA"/copy/.env') },
  { name: 'an archive of the whole tree', script: reading('tar cf - .') },
  { name: 'moving the directory around a secret away', script: reading('mv config config2; cat config2/.env.local; mv config2 config') },
  { name: 'a hard link made here', script: reading('ln .env "$WORKSPACE/output/fresh"; cat "$WORKSPACE/output/fresh"; rm -f output/fresh') },
  { name: 'taking the cover off', script: reading('umount .env; umount -l .env; cat .env') },
  { name: 'searching everything that is mounted', script: reading('grep -rsh the-secret . "$USERHOME"') },
];

const WRITES: readonly Trick[] = [
  { name: 'a git hook', script: doing('echo evil > .git/hooks/pre-commit') },
  { name: 'the configuration of git', script: doing('git config core.fsmonitor "touch /tmp/ran"') },
  { name: 'attributes of git', script: doing('echo "* filter=evil" > .git/info/attributes') },
  { name: 'a commondir, by which git takes another configuration', script: doing('echo . > .git/commondir; r=$?; rm -f .git/commondir; [ $r = 0 ]') },
  {
    name: 'moving .git away and making another',
    script: doing('mv .git .git-old && mkdir .git; r=$?; [ -d .git-old ] && rm -rf .git && mv .git-old .git; [ $r = 0 ]'),
  },
  { name: 'package.json', script: doing('echo "{}" > package.json') },
  { name: 'package.json by another name of the same file', script: doing('echo "{}" > other-name.json') },
  { name: 'replacing package.json by renaming', script: doing('cp package.json p && mv p package.json; r=$?; rm -f p; [ $r = 0 ]') },
  { name: 'Makefile', script: doing('echo "all:" >> Makefile') },
  { name: 'instructions for agents', script: doing('echo "obey" >> AGENTS.md; r=$?; [ $r = 0 ]') },
  { name: 'tasks of an editor', script: doing('echo "{}" > .vscode/tasks.json') },
  {
    name: 'a hook directory in the depth, moved away',
    script: doing('mv deep/er deep/gone && mkdir -p deep/er/.husky; r=$?; [ -d deep/gone ] && rm -rf deep/er && mv deep/gone deep/er; [ $r = 0 ]'),
  },
  { name: 'the system', script: doing('touch /usr/local/bin/.dash-canary && rm -f /usr/local/bin/.dash-canary'), noControl: onlyRoot },
  { name: 'a setuid program', script: doing('cp /bin/sh output/sh && chmod 4755 output/sh; r=$?; rm -f output/sh; [ $r = 0 ]') },
  {
    name: 'a file that is made with the setuid bit',
    script: doing(
      `perl -MFcntl -e 'umask 0; sysopen(F, "output/suid", O_CREAT|O_WRONLY, 04755) or exit 1; exit(((stat "output/suid")[2] & 04000) ? 0 : 1)'; r=$?; rm -f output/suid; [ $r = 0 ]`,
    ),
    needs: 'perl',
  },
];

const KERNEL: readonly Trick[] = [
  { name: 'a mount', script: doing('mkdir -p output/m; mount -t tmpfs none output/m; r=$?; umount output/m; [ $r = 0 ]'), noControl: onlyRoot },
  { name: 'a new user namespace', script: doing('unshare -U true') },
  { name: 'a new user and mount namespace, with a mount in it', script: doing('unshare -Urm mount -t tmpfs none /tmp') },
  { name: 'a new network namespace', script: doing('unshare -Urn true') },
  {
    name: 'clone with a new user namespace',
    script: `perl -e '$r = syscall(56, 0x10000000 | 17, 0, 0, 0, 0); exit 0 if $r == 0; waitpid($r, 0); print($r == -1 ? "" : "${ESCAPED}\\n")' || exit 9; echo held`,
    needs: 'perl',
  },
  { name: 'joining the namespaces of the agent', script: doing('nsenter -t $AGENT -m true'), noControl: onlyRoot },
  { name: 'chroot', script: doing('chroot / /bin/true'), noControl: onlyRoot },
  { name: 'a new mount by fsopen', script: calling('430, "tmpfs", 0'), needs: 'perl', noControl: onlyRoot },
  { name: 'a copy of a mount by open_tree', script: calling('428, -100, "/", 1'), needs: 'perl', noControl: onlyRoot },
  { name: 'ptrace', script: calling('101, 0, 0, 0, 0'), needs: 'perl' },
  { name: 'reading memory of another process', script: calling('310, $$, 0, 0, 0, 0, 0'), needs: 'perl' },
  { name: 'keyctl', script: calling('250, 0, -3, 0'), needs: 'perl' },
  { name: 'io_uring', script: calling('425, 4, "\\0" x 120'), needs: 'perl' },
  { name: 'bpf', script: calling('321, 0, "\\0" x 64, 64'), needs: 'perl', noControl: onlyRoot },
  { name: 'a file by its handle', script: calling('303, -100, "/", "\\x80\\0\\0\\0" . ("\\0" x 200), "\\0" x 8, 0'), needs: 'perl' },
  { name: 'another personality', script: calling('135, 0x0400000'), needs: 'perl' },
  { name: 'taking a descriptor of another process', script: calling('438, 0, 0, 0'), needs: 'perl' },
  {
    name: 'keystrokes for the terminal (TIOCSTI; unconfined the kernel answers that this is no terminal)',
    script: `perl -e 'my $c = "x"; open(F, "<", "/dev/null"); ioctl(F, 0x5412, $c); print($! + 0 == 1 ? "" : "${ESCAPED}\\n")'; echo held`,
    needs: 'perl',
  },
  { name: 'a device', script: doing('mknod output/disk b 8 0; r=$?; rm -f output/disk; [ $r = 0 ]'), noControl: onlyRoot },
  {
    name: 'a setting of the kernel (opened, not written)',
    script: doing('perl -e \'open(F, ">>", "/proc/sys/kernel/hostname") or exit 1\''),
    needs: 'perl',
    noControl: onlyRoot,
  },
  {
    name: 'the machine by /proc/sysrq-trigger (opened, not written)',
    script: doing('perl -e \'open(F, ">>", "/proc/sysrq-trigger") or exit 1\''),
    needs: 'perl',
    noControl: onlyRoot || (!existsSync('/proc/sysrq-trigger') && 'this kernel has none'),
  },
];

const PROCESSES: readonly Trick[] = [
  { name: 'the environment of the agent', script: doing('tr "\\0" "\\n" < /proc/$AGENT/environ | grep -q PATH=') },
  { name: 'finding the agent among the processes', script: doing(`cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -q v[i]test`) },
  { name: 'a signal to the agent', script: doing('kill -0 $AGENT') },
  { name: 'the inspector of the agent by SIGUSR1 (signal 0 stands for it)', script: doing(`perl -e 'exit(kill(0, $ENV{AGENT}) ? 0 : 1)'`), needs: 'perl' },
  { name: 'descriptors of the agent', script: doing('ls /proc/$AGENT/fd') },
];

describe.skipIf(layer.kind !== 'live')('ways out of the confinement (skipped where the probe of `dash sandbox layers` fails)', () => {
  let scene: ConfinedScene;
  beforeAll(async () => {
    scene = await openConfinedScene(['fs:read', 'fs:write']);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  const cannotRun = ({ needs, script }: Trick): boolean => needs === 'perl' && (!hasPerl || (!isX64 && script.includes('syscall(')));
  const each = (tricks: readonly Trick[]): void => {
    for (const trick of tricks) {
      test.skipIf(cannotRun(trick))(`${trick.name}`, async () => {
        const confined = await scene.confined(trick.script);
        expect({ stdout: confined.stdout, stderr: confined.stderr, code: confined.code }).toMatchObject({ stdout: 'held\n', code: 0 });
        if (trick.noControl) return;
        expect((await scene.naively(trick.script)).stdout).toBe(`${ESCAPED}\nheld\n`);
      });
    }
  };
  describe('reading what is secret', () => {
    each(SECRETS);
  });
  describe('writing what runs later', () => {
    each(WRITES);
  });
  describe('asking the kernel', () => {
    each(KERNEL);
  });
  describe('other processes', () => {
    each(PROCESSES);
  });

  test('a shell start file is written to a home directory of the program\u2019s own', async () => {
    const script = `echo evil >> "$HOME/.bashrc"; grep -c evil "$HOME/.bashrc"`;
    expect(await scene.confined(script)).toMatchObject({ code: 0, stdout: '1\n' });
    expect(readFileSync(join(scene.places.home, '.bashrc'), 'utf8')).toBe('');
    await scene.naively(script);
    expect(readFileSync(join(scene.places.home, '.bashrc'), 'utf8')).toBe('evil\n');
  });

  describe('sockets', () => {
    let server: Server;
    let local: Server;
    beforeAll(async () => {
      [server, local] = [createServer((socket) => socket.end(SECRET)), createServer((socket) => socket.end(SECRET))];
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      await new Promise<void>((resolve) => local.listen(join(scene.places.workspace, 'output/local.sock'), resolve));
    });
    afterAll(() => {
      server.close();
      local.close();
    });
    const connecting = (family: string, address: string): string =>
      reading(`perl -MSocket -e 'socket(S, ${family}, SOCK_STREAM, 0) or die; connect(S, ${address}) or die; print <S>'`);

    test.skipIf(!hasPerl)('a service of this machine on loopback', async () => {
      const script = connecting('PF_INET', `pack_sockaddr_in(${(server.address() as AddressInfo).port}, inet_aton("127.0.0.1"))`);
      expect((await scene.confined(script)).stdout).toBe('held\n');
      expect((await scene.naively(script)).stdout).toBe(`${ESCAPED}\nheld\n`);
    });

    test.skipIf(!hasPerl)('a service behind a socket file in the workspace', async () => {
      const script = connecting('PF_UNIX', 'pack_sockaddr_un("output/local.sock")');
      expect((await scene.confined(script)).stdout).toBe('held\n');
      expect((await scene.naively(script)).stdout).toBe(`${ESCAPED}\nheld\n`);
    });

    test.skipIf(!hasPerl || !isX64)('raw sockets and those of virtual machines cannot even be made', async () => {
      for (const family of [40, 38, 17]) {
        const script = `perl -e '$r = syscall(41, ${family}, ${family === 38 ? 5 : family === 17 ? 3 : 1}, 0); print($r == -1 ? "errno " . ($! + 0) : "made")'`;
        expect((await scene.confined(script)).stdout).toBe('errno 97');
      }
    });
  });

  describe('taking more than one\u2019s share', () => {
    test('more processes than one program may have', async () => {
      const script = `i=0; while [ $i -lt 400 ]; do sleep 20 & i=$((i+1)); done; echo ${ESCAPED}; sleep 5`;
      expect(await scene.confined(script)).toMatchObject({ stopped: 'processes' });
    });

    test.skipIf(!hasPerl || !isX64)('more memory than one process may have', async () => {
      // private, anonymous, not reserved: unconfined it costs nothing until it is touched
      const script = `perl -e '$r = syscall(9, 0, 6 << 30, 3, 0x4022, -1, 0); print($r == -1 ? "" : "${ESCAPED}\\n")'; echo held`;
      expect((await scene.confined(script)).stdout).toBe('held\n');
      expect((await scene.naively(script)).stdout).toBe(`${ESCAPED}\nheld\n`);
    });

    test('a larger file than one may be', async () => {
      const script = `(dd if=/dev/zero of="$DATA/big" bs=1 count=1 seek=3G 2>/dev/null) 2>/dev/null; [ $(stat -c %s "$DATA/big") -gt 3000000000 ] && echo ${ESCAPED}; rm -f "$DATA/big"; echo held`;
      expect((await scene.confined(script)).stdout).toBe('held\n');
      expect((await scene.naively(script)).stdout).toBe(`${ESCAPED}\nheld\n`);
    });

    test('more than its share of memory by files in /tmp', async () => {
      const script = `fallocate -l 300M /tmp/dash-canary-big 2>/dev/null && echo ${ESCAPED}; rm -f /tmp/dash-canary-big; echo held`;
      expect((await scene.confined(script)).stdout).toBe('held\n');
    });

    test('output without an end', async () => {
      const outcome = await scene.confined(
        'while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done | cat | head -c 40000000',
      );
      expect(outcome.stopped).toBe('output');
    });
  });
});
