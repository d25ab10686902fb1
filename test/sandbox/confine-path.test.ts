import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assertRegularFile, canonicalParent, canonicalPath, openDirectory, openForReading, openForWriting, readSmallFile } from '../../sandbox/confine-path.ts';
import { CapabilityFailure } from '../../sandbox/define-capability.ts';
import { temporaryDirectory, writeFiles } from '../support/sandbox-fixture.ts';

async function place() {
  const root = await temporaryDirectory();
  const workspace = join(root.path, 'workspace');
  const outside = join(root.path, 'outside');
  await writeFiles(workspace, { 'a.txt': 'a', 'sub/b.txt': 'b' });
  await writeFiles(outside, { 'secret.txt': 'SECRET' });
  return { workspace, outside, [Symbol.asyncDispose]: () => root[Symbol.asyncDispose]() };
}

async function read(canonical: string): Promise<string> {
  await using handle = await openForReading(canonical);
  await assertRegularFile(handle);
  return await handle.readFile('utf8');
}

/** As `fs.readFile` does it on a disk of this machine: at once where that goes, else through a handle. */
async function readAtOnce(canonical: string): Promise<string> {
  return readSmallFile(canonical, 1_024)?.bytes.toString('utf8') ?? read(canonical);
}

describe('canonicalPath', () => {
  test.each([
    ['a.txt', 'workspace/a.txt'],
    ['./sub/../a.txt', 'workspace/a.txt'],
    ['../outside/secret.txt', 'outside/secret.txt'],
    ['sub/../../outside/./secret.txt', 'outside/secret.txt'],
    ['missing/deep/file', 'workspace/missing/deep/file'],
    ['a.txt/child', 'workspace/a.txt/child'],
    ['to-secret', 'outside/secret.txt'],
    ['to-outside/secret.txt', 'outside/secret.txt'],
    ['to-outside/new/file', 'outside/new/file'],
    ['chain', 'outside/secret.txt'],
    ['dangling', 'workspace/dangling'],
    ['loop/x', 'workspace/loop/x'],
    ['', 'workspace'],
  ])('resolves %j to %j', async (path, expected) => {
    await using where = await place();
    await symlink('../outside/secret.txt', join(where.workspace, 'to-secret'));
    await symlink(where.outside, join(where.workspace, 'to-outside'));
    await symlink('to-secret', join(where.workspace, 'chain'));
    await symlink(join(where.outside, 'nothing-here'), join(where.workspace, 'dangling'));
    await symlink('loop', join(where.workspace, 'loop'));
    expect(await canonicalPath(path, where.workspace)).toBe(join(dirname(where.workspace), expected));
  });

  test.each(['a\0.txt', 'x'.repeat(5_000)])('refuses a path no file system has', async (path) => {
    await expect(canonicalPath(path, '/')).rejects.toMatchObject({ data: { code: 'EINVAL' } });
  });

  test('keeps a link in the last place for what acts on a name', async () => {
    await using where = await place();
    await symlink('../outside/secret.txt', join(where.workspace, 'to-secret'));
    expect(await canonicalParent('to-secret', where.workspace)).toBe(join(where.workspace, 'to-secret'));
    expect(await canonicalParent('sub/../to-secret', where.workspace)).toBe(join(where.workspace, 'to-secret'));
  });

  test('refuses a NUL in the last place of a name, too', async () => {
    await expect(canonicalParent('a\0b', '/tmp')).rejects.toBeInstanceOf(CapabilityFailure);
  });
});

describe.each([
  ['openForReading', read],
  ['readSmallFile', readAtOnce],
])('%s', (_name, readIt) => {
  test('reads the file that was decided on', async () => {
    await using where = await place();
    expect(await readIt(join(where.workspace, 'a.txt'))).toBe('a');
  });

  test('does not follow a link that took the place of the file', async () => {
    await using where = await place();
    const path = join(where.workspace, 'late-link');
    await symlink(join(where.outside, 'secret.txt'), path);
    expect(await readFile(path, 'utf8')).toBe('SECRET'); // control arm: a plain read follows it
    await expect(readIt(path)).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('notices a link that took the place of a parent', async () => {
    await using where = await place();
    await symlink(where.outside, join(where.workspace, 'parent'));
    const path = join(where.workspace, 'parent/secret.txt');
    expect(await readFile(path, 'utf8')).toBe('SECRET');
    await expect(readIt(path)).rejects.toMatchObject({ data: { code: 'EACCES' } });
  });

  test('does not hang on a FIFO, and refuses it', async () => {
    await using where = await place();
    const path = join(where.workspace, 'fifo');
    execFileSync('mkfifo', [path]);
    await expect(readIt(path)).rejects.toMatchObject({ data: { code: 'EACCES' } });
  });

  test('refuses devices and directories as files', async () => {
    await using where = await place();
    await expect(readIt('/dev/null')).rejects.toMatchObject({ data: { code: 'EACCES' } });
    await expect(readIt(where.workspace)).rejects.toMatchObject({ data: { code: 'EISDIR' } });
    await expect(openDirectory(join(where.workspace, 'a.txt'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('cannot be led through /proc/self', async () => {
    const handle = await canonicalPath('/proc/self/root/etc/hostname', '/');
    expect(handle).toBe(await realpath('/etc/hostname'));
    await expect(readIt('/proc/self/root/etc/hostname')).rejects.toMatchObject({ data: { code: 'EACCES' } });
  });
});

describe('readSmallFile', () => {
  test('leaves to others what is empty, large, or tells no size', async () => {
    await using where = await place();
    await writeFiles(where.workspace, { empty: '', large: 'x'.repeat(11) });
    for (const path of [join(where.workspace, 'empty'), join(where.workspace, 'large'), '/proc/version']) expect(readSmallFile(path, 10)).toBeUndefined();
    expect(readSmallFile(join(where.workspace, 'large'), 11)?.bytes.toString()).toBe('x'.repeat(11));
  });
});

describe('openForWriting', () => {
  test('creates, appends, refuses an existing file where it must be new', async () => {
    await using where = await place();
    const path = join(where.workspace, 'new.txt');
    for (const [flag, text] of [
      ['w', 'one'],
      ['a', ' two'],
    ] as const) {
      await using handle = await openForWriting(path, flag, 0o600);
      await handle.writeFile(text);
    }
    expect(await readFile(path, 'utf8')).toBe('one two');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(openForWriting(path, 'wx', 0o600)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('never makes a file setuid', async () => {
    await using where = await place();
    await using handle = await openForWriting(join(where.workspace, 'tool'), 'w', 0o4755);
    expect((await handle.stat()).mode & 0o7000).toBe(0);
  });

  test('refuses a dangling link instead of creating what it names', async () => {
    await using where = await place();
    const target = join(where.outside, 'made-through-link');
    await symlink(target, join(where.workspace, 'dangling'));
    await symlink(join(where.outside, 'made-by-control'), join(where.workspace, 'control'));
    await writeFile(join(where.workspace, 'control'), 'x'); // control arm: a plain write creates it
    expect(await readFile(join(where.outside, 'made-by-control'), 'utf8')).toBe('x');
    await expect(openForWriting(join(where.workspace, 'dangling'), 'w', 0o600)).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(stat(target)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('refuses a hard-linked file and leaves it whole', async () => {
    await using where = await place();
    const path = join(where.workspace, 'innocent.txt');
    await link(join(where.outside, 'secret.txt'), path);
    await expect(openForWriting(path, 'w', 0o600)).rejects.toMatchObject({ data: { code: 'EACCES' } });
    expect(await readFile(join(where.outside, 'secret.txt'), 'utf8')).toBe('SECRET');
  });

  test('does not hang on a FIFO without a reader', async () => {
    await using where = await place();
    const path = join(where.workspace, 'fifo');
    execFileSync('mkfifo', [path]);
    await expect(openForWriting(path, 'w', 0o600)).rejects.toMatchObject({ code: 'ENXIO' });
  });

  test('does not write through a parent that became a link', async () => {
    await using where = await place();
    await symlink(where.outside, join(where.workspace, 'parent'));
    await expect(openForWriting(join(where.workspace, 'parent/planted'), 'w', 0o600)).rejects.toMatchObject({ code: expect.stringMatching(/ELOOP|ENOTDIR/) });
    await expect(stat(join(where.outside, 'planted'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** Swaps a directory and a link to another directory under one name, as fast as it can, until it is killed. */
const EXCHANGER = `
const { renameSync } = require('node:fs');
const [name, directory, link] = process.argv.slice(1);
process.stdout.write('ready');
for (;;) { renameSync(directory, name); renameSync(name, directory); renameSync(link, name); renameSync(name, link); }
`;

async function exchanged() {
  const root = await temporaryDirectory();
  const at = (name: string): string => join(root.path, name);
  await writeFiles(root.path, { 'real/file.txt': 'harmless', 'secret/file.txt': 'SECRET', 'real/keep': '' });
  await mkdir(at('held'));
  await symlink(at('secret'), at('link'));
  const attacker = spawn(process.execPath, ['-e', EXCHANGER, at('name'), at('real'), at('link')], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(attacker.stdout, 'data');
  return {
    path: at('name/file.txt'),
    root: root.path,
    [Symbol.asyncDispose]: async () => {
      const ended = once(attacker, 'exit');
      attacker.kill('SIGKILL');
      await ended;
      await root[Symbol.asyncDispose]();
    },
  };
}

describe('against a process that exchanges a directory for a link', () => {
  const ATTEMPTS = 4_000;

  test.each([
    ['the verified handle', read],
    ['a read at once', readAtOnce],
  ])('check-then-open leaks (control arm), %s never does', async (_name, readIt) => {
    await using attack = await exchanged();
    const inside = join(attack.root, 'name/file.txt');

    let naive = 0;
    for (let attempt = 0; attempt < 20 * ATTEMPTS && naive === 0; attempt++) {
      try {
        if ((await realpath(attack.path)) === inside && (await readFile(attack.path, 'utf8')) === 'SECRET') naive++;
      } catch {
        // the name was gone at that moment
      }
    }
    expect(naive).toBeGreaterThan(0);

    let [leaks, reads] = [0, 0];
    for (let attempt = 0; attempt < ATTEMPTS || (reads === 0 && attempt < 20 * ATTEMPTS); attempt++) {
      try {
        if ((await canonicalPath(attack.path, '/')) !== inside) continue;
        reads++;
        if ((await readIt(inside)) === 'SECRET') leaks++;
      } catch {
        // refused, or gone at that moment
      }
    }
    expect(reads).toBeGreaterThan(0);
    expect(leaks).toBe(0);
  });

  test('writes never land behind the link', async () => {
    await using attack = await exchanged();
    const inside = join(attack.root, 'name/planted.txt');
    let written = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await using handle = await openForWriting(inside, 'w', 0o600);
        await handle.writeFile('x');
        written++;
      } catch {
        // refused, or gone at that moment
      }
    }
    expect(written).toBeGreaterThan(0);
    await expect(stat(join(attack.root, 'secret/planted.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
