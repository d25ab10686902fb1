import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extensionOf, openFixture, textOf, type Fixture, until } from '../support/sandbox-fixture.ts';

/**
 * File tricks of a package that was granted its workspace, to read and to write. The control arm of each case
 * does the same with plain `node:fs`, as an extension in the agent's process would.
 */
const SECRET = 'the-secret-of-the-user';
const TOOLS = {
  read: `return require('node:fs').readFileSync(params.path, 'utf8')`,
  readAsync: `return await require('node:fs/promises').readFile(params.path, 'utf8')`,
  list: `return JSON.stringify(require('node:fs').readdirSync(params.path, { recursive: true }))`,
  stat: `const s = require('node:fs')[params.link ? 'lstatSync' : 'statSync'](params.path); return JSON.stringify({ size: s.size })`,
  exists: `return String(require('node:fs').existsSync(params.path))`,
  realpath: `return require('node:fs').realpathSync(params.path)`,
  write: `require('node:fs').writeFileSync(params.path, 'PLANTED'); return 'written'`,
  append: `require('node:fs').appendFileSync(params.path, 'PLANTED'); return 'written'`,
  copy: `require('node:fs').copyFileSync(params.from, params.to); return 'copied'`,
  copyTree: `require('node:fs').cpSync(params.from, params.to, { recursive: true }); return 'copied'`,
  move: `require('node:fs').renameSync(params.from, params.to); return 'moved'`,
  remove: `require('node:fs').rmSync(params.path, { recursive: true }); return 'removed'`,
  mkdir: `require('node:fs').mkdirSync(params.path, { recursive: true }); return 'made'`,
  mkdtemp: `return require('node:fs').mkdtempSync(params.path)`,
  chmod: `require('node:fs').chmodSync(params.path, 0o4777); return 'changed'`,
  symlink: `require('node:fs').symlinkSync(params.from, params.to); return 'linked'`,
  link: `require('node:fs').linkSync(params.from, params.to); return 'linked'`,
  places: `return JSON.stringify({ tmp: require('node:os').tmpdir(), data: require('@earendil-works/pi-coding-agent').getAgentDir() })`,
};

let fixture: Fixture;
let places: { tmp: string; data: string };

beforeAll(async () => {
  fixture = await openFixture({
    files: { 'index.ts': extensionOf(TOOLS), '.env': SECRET, 'asset.txt': 'mine' },
    granted: ['fs:read', 'fs:write'],
    workspaceFiles: {
      'a.txt': 'a',
      'sub/b.txt': 'b',
      '.env': SECRET,
      'config/.env.local': SECRET,
      'AGENTS.md': 'rules',
      '.git/config': '[core]',
      '.git/hooks/pre-commit.sample': '',
      'nested/.git/config': '[core]',
      'package.json': '{}',
    },
    homeFiles: { '.ssh/id_rsa': SECRET, 'notes.txt': SECRET, '.dash/grants.json': '{}' },
  });
  const { workspace, home } = fixture;
  symlinkSync(join(home, 'notes.txt'), join(workspace, 'link-to-file'));
  symlinkSync(home, join(workspace, 'link-to-home'));
  symlinkSync('.env', join(workspace, 'link-to-env'));
  symlinkSync(join(home, 'planted-by-link'), join(workspace, 'dangling'));
  linkSync(join(home, 'notes.txt'), join(workspace, 'hard-link'));
  places = JSON.parse(await fixture.text('places')) as typeof places;
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The outcome must be an error, and no word of the secret, nor the place a link leads to, may be in it. */
async function denied(name: string, args: object, code = /EACCES|EPERM|ELOOP/): Promise<string> {
  const outcome = await fixture.call(name, args);
  expect({ name, args, isError: outcome.isError, text: textOf(outcome) }).toMatchObject({ isError: true, text: expect.stringMatching(code) });
  expect(textOf(outcome)).not.toContain(SECRET);
  return textOf(outcome);
}

describe('reading', () => {
  test('what is granted can be read, and its own files (the cases below fail for their own reasons)', async () => {
    expect(await fixture.text('read', { path: 'a.txt' })).toBe('a');
    expect(await fixture.text('readAsync', { path: 'sub/../sub/b.txt' })).toBe('b');
    expect(await fixture.text('read', { path: '/package/asset.txt' })).toBe('mine');
  });

  test('a secret is one under each of its names, whenever that was made', async () => {
    const { workspace, home } = fixture;
    const names = { '.env': 'plain-1', 'config/.env.local': 'sub/plain-2', [join(home, '.ssh/id_rsa')]: 'plain-3' };
    for (const [secret, name] of Object.entries(names)) {
      linkSync(resolve(workspace, secret), join(workspace, name)); // by somebody else: packages cannot
      await denied('read', { path: name });
      await denied('copy', { from: name, to: `copy-of-${basename(name)}` });
      await fixture.call('move', { from: name, to: `${name}-moved` });
      await denied('read', { path: `${name}-moved` });
    }
    expect(fixture.denials.map(({ target }) => target)).toEqual(expect.arrayContaining([join(workspace, '.env'), join(home, '.ssh/id_rsa')]));
    // control arm: another name of what is no secret is read
    linkSync(join(workspace, 'a.txt'), join(workspace, 'plain-4'));
    expect(await fixture.text('read', { path: 'plain-4' })).toBe('a');
    for (const name of ['plain-1', 'sub/plain-2', 'plain-3', 'plain-4'])
      for (const place of [name, `${name}-moved`]) rmSync(join(workspace, place), { force: true });
  });

  const escapes: Record<string, (f: Fixture) => string> = {
    'a path with ..': () => '../home/notes.txt',
    'a path with .. behind a directory that is there': () => 'nested/../../home/notes.txt',
    'an absolute path': ({ home }) => join(home, 'notes.txt'),
    'a link to a file': () => 'link-to-file',
    'a link to a directory': () => 'link-to-home/notes.txt',
    'a link, then ..': () => 'link-to-home/../home/notes.txt',
    'a secret in the workspace': () => '.env',
    'a secret in a directory': () => 'config/.env.local',
    'a link to a secret in the workspace': () => 'link-to-env',
    'a key under a link': () => 'link-to-home/.ssh/id_rsa',
    'the grants': ({ dashHome }) => join(dashHome, 'grants.json'),
    'a path through /proc/self/root': ({ home }) => `/proc/self/root${home}/notes.txt`,
    'a path through /proc/self/cwd': () => '/proc/self/cwd/package.json',
    'the environment of the agent': () => '/proc/self/environ',
    'the memory map of the agent': () => '/proc/self/maps',
    'a file URL': ({ home }) => `file://${home}/notes.txt`,
  };
  test.each(Object.keys(escapes))('cannot escape by %s', async (name) => {
    const path = escapes[name]?.(fixture) ?? '';
    const plain = path.startsWith('file:') ? path.slice('file://'.length) : path.startsWith('/') ? path : `${fixture.workspace}/${path}`;
    expect(readFileSync(plain).length).toBeGreaterThan(0); // control arm
    for (const tool of ['read', 'readAsync']) await denied(tool, { path }, /EACCES|EPERM|ELOOP|ENOENT/);
  });

  test('a URL object is no way round', async () => {
    await using other = await openFixture({
      files: { 'index.ts': extensionOf({ url: `return require('fs').readFileSync(new URL('file://' + params.path), 'utf8')` }) },
      granted: ['fs:read'],
    });
    expect((await other.call('url', { path: join(fixture.home, 'notes.txt') })).isError).toBe(true);
  });

  test('other spellings of a protected name are the same name', async () => {
    writeFileSync(join(fixture.workspace, '.Env'), SECRET);
    writeFileSync(join(fixture.workspace, 'Server.PEM'), SECRET);
    for (const path of ['.Env', 'Server.PEM', './/.Env', './sub/../.Env']) {
      expect(readFileSync(join(fixture.workspace, path), 'utf8')).toBe(SECRET);
      await denied('read', { path });
    }
  });

  test('a NUL byte ends nothing', async () => {
    await denied('read', { path: 'a.txt\0.png' }, /EINVAL|ERR_INVALID|null bytes/);
  });

  test('a FIFO neither hangs the agent nor the guest', async () => {
    execFileSync('mkfifo', [join(fixture.workspace, 'fifo')]);
    await denied('read', { path: 'fifo' });
    await denied('copy', { from: 'fifo', to: 'copied-fifo' });
    expect(await fixture.text('read', { path: 'a.txt' })).toBe('a');
    rmSync(join(fixture.workspace, 'fifo'));
  });

  test('a denial tells nothing of what is there, nor where links lead', async () => {
    const { home, workspace } = fixture;
    expect(readlinkSync(join(workspace, 'link-to-file'))).toBe(join(home, 'notes.txt')); // control arm
    expect(await denied('read', { path: 'link-to-file' })).not.toContain(home);
    expect(await denied('realpath', { path: 'link-to-home' })).not.toContain(home);
    expect(await denied('read', { path: '/proc/self/exe' })).not.toContain('/node');
    expect(await denied('read', { path: '/proc/self/cwd' })).not.toContain(realpathSync('/proc/self/cwd'));
    const [there, missing] = [await denied('read', { path: join(home, 'notes.txt') }), await denied('read', { path: join(home, 'nothing.txt') })];
    expect(there.replaceAll('notes', 'X')).toBe(missing.replaceAll('nothing', 'X'));
    symlinkSync('loop', join(home, 'loop'));
    const [loop, inside] = [await denied('read', { path: join(home, 'loop/x') }), await denied('read', { path: join(home, 'none/x') })];
    expect(loop.replaceAll('loop', 'X')).toBe(inside.replaceAll('none', 'X'));
    expect(await fixture.text('exists', { path: join(home, 'notes.txt') })).toBe('false');
    for (const link of [true, false]) await denied('stat', { path: join(home, 'notes.txt'), link });
  });

  test('a recursive listing does not look into what is protected', async () => {
    const plain = readdirSync(fixture.workspace, { recursive: true }).map(String);
    expect(plain).toContain('.git/config'); // control arm: reading .git is fine, so it is in both
    mkdirSync(join(fixture.workspace, '.ssh'), { recursive: true });
    writeFileSync(join(fixture.workspace, '.ssh/id_of_a_host'), '');
    expect(readdirSync(fixture.workspace, { recursive: true })).toContain('.ssh/id_of_a_host');
    const listed = await fixture.text('list', { path: '.' });
    expect(listed).toContain('sub/b.txt');
    expect(listed).not.toContain('id_of_a_host');
  });

  test('its own directory does not hold the secrets of its author', async () => {
    expect(readFileSync(join(fixture.packageDirectory, '.env'), 'utf8')).toBe(SECRET);
    await denied('read', { path: '/package/.env' });
    await denied('read', { path: '/package/../package/.env' });
    await denied('read', { path: '/package/node_modules/../../etc/passwd' }, /EACCES|ENOENT/);
    symlinkSync(fixture.home, join(fixture.packageDirectory, 'out'));
    expect(readFileSync(join(fixture.packageDirectory, 'out/notes.txt'), 'utf8')).toBe(SECRET);
    await denied('read', { path: '/package/out/notes.txt' });
  });
});

describe('laundering through a place where names do not matter', () => {
  test('a tree copied to the private directory leaves its secrets behind', async () => {
    const target = join(fixture.home, 'control-copy');
    cpSync(join(fixture.workspace, 'config'), target, { recursive: true });
    expect(readFileSync(join(target, '.env.local'), 'utf8')).toBe(SECRET); // control arm
    await denied('copyTree', { from: 'config', to: `${places.data}/stolen` });
    await denied('read', { path: `${places.data}/stolen/.env.local` }, /ENOENT|EACCES/);
  });

  test('a directory moved to the private directory takes no secret along', async () => {
    cpSync(join(fixture.workspace, 'config'), join(fixture.workspace, 'control'), { recursive: true });
    renameSync(join(fixture.workspace, 'control'), join(fixture.home, 'control-moved'));
    expect(readFileSync(join(fixture.home, 'control-moved/.env.local'), 'utf8')).toBe(SECRET);
    await denied('move', { from: 'config', to: `${places.data}/moved` }, /EXDEV|EACCES/);
    await denied('move', { from: '.env', to: `${places.data}/moved-file` });
    await denied('copy', { from: '.env', to: 'public.txt' });
    expect(existsSync(join(fixture.workspace, 'config/.env.local'))).toBe(true);
  });

  test('a tree prepared in private does not become hooks in the workspace', async () => {
    expect(await fixture.text('mkdir', { path: `${places.data}/repo/.git/hooks` })).toBe('made');
    expect(await fixture.text('write', { path: `${places.data}/repo/.git/hooks/post-checkout` })).toBe('written');
    cpSync(join(places.data, 'repo'), join(fixture.home, 'control-repo'), { recursive: true });
    expect(existsSync(join(fixture.home, 'control-repo/.git/hooks/post-checkout'))).toBe(true); // control arm
    await denied('copyTree', { from: `${places.data}/repo`, to: './innocent' });
    await denied('move', { from: `${places.data}/repo`, to: './innocent-too' }, /EXDEV|EACCES/);
    await denied('copy', { from: `${places.data}/repo/.git/hooks/post-checkout`, to: '.git/hooks/post-checkout' });
    for (const name of ['innocent', 'innocent-too']) expect(existsSync(join(fixture.workspace, name, '.git/hooks/post-checkout'))).toBe(false);
  });
});

describe('writing', () => {
  test('what is granted can be written', async () => {
    expect(await fixture.text('write', { path: 'made.txt' })).toBe('written');
    expect(readFileSync(join(fixture.workspace, 'made.txt'), 'utf8')).toBe('PLANTED');
  });

  const later = [
    '.git/hooks/pre-commit',
    '.git/config',
    'nested/.git/hooks/pre-commit',
    '.gitattributes',
    '.gitmodules',
    'package.json',
    'sub/package.json',
    'AGENTS.md',
    'sub/CLAUDE.md',
    'agents.md',
    '.husky/pre-commit',
    '.vscode/tasks.json',
    '.github/workflows/ci.yml',
    'vite.config.ts',
    'Makefile',
    '.envrc',
    '.npmrc',
    'node_modules/x/index.js',
    '.dash/settings.json',
    '.claude/settings.json',
    '.mcp.json',
    'conftest.py',
    'SKILL.md',
  ];
  test.each(later)('cannot plant %s, which runs or speaks later', async (path) => {
    const before = existsSync(join(fixture.workspace, path)) ? readFileSync(join(fixture.workspace, path), 'utf8') : undefined;
    await denied('write', { path });
    await denied('append', { path });
    await denied('move', { from: 'made.txt', to: path });
    await denied('copy', { from: 'a.txt', to: path });
    await denied('write', { path: `./sub/../${path}` });
    const after = existsSync(join(fixture.workspace, path)) ? readFileSync(join(fixture.workspace, path), 'utf8') : undefined;
    expect(after).toBe(before);
  });

  const outside: Record<string, string> = {
    'a link to a directory': 'link-to-home/planted',
    'a link to a file': 'link-to-file',
    'a dangling link': 'dangling',
    '..': '../home/planted',
  };
  test.each(Object.keys(outside))('cannot leave by %s', async (name) => {
    await denied('write', { path: outside[name] });
    await denied('append', { path: outside[name] });
    expect(readFileSync(join(fixture.home, 'notes.txt'), 'utf8')).toBe(SECRET);
    for (const planted of ['planted', 'planted-by-link']) expect(existsSync(join(fixture.home, planted))).toBe(false);
  });

  test('cannot write through a hard link to a file outside', async () => {
    await denied('write', { path: 'hard-link' });
    await denied('append', { path: 'hard-link' });
    await denied('copy', { from: 'a.txt', to: 'hard-link' });
    await denied('chmod', { path: 'hard-link' });
    expect(readFileSync(join(fixture.home, 'notes.txt'), 'utf8')).toBe(SECRET);
    // control arm: the same write with plain fs changes the file outside
    linkSync(join(fixture.home, 'control-copy/.env.local'), join(fixture.workspace, 'control-link'));
    writeFileSync(join(fixture.workspace, 'control-link'), 'CHANGED');
    expect(readFileSync(join(fixture.home, 'control-copy/.env.local'), 'utf8')).toBe('CHANGED');
    rmSync(join(fixture.workspace, 'control-link'));
  });

  test('cannot make links', async () => {
    for (const tool of ['symlink', 'link']) expect((await fixture.call(tool, { from: join(fixture.home, 'notes.txt'), to: 'mine' })).isError).toBe(true);
    expect(existsSync(join(fixture.workspace, 'mine'))).toBe(false);
  });

  test('cannot carry a link elsewhere', async () => {
    await denied('move', { from: 'link-to-file', to: 'sub/link' });
  });

  test('cannot remove what is protected, nor the workspace, nor by way of a parent', async () => {
    const control = join(fixture.home, 'control-remove');
    cpSync(join(fixture.workspace, 'nested'), control, { recursive: true });
    rmSync(control, { recursive: true });
    expect(existsSync(control)).toBe(false); // control arm
    for (const path of ['.git', 'nested', 'nested/.git', '.', 'config']) await denied('remove', { path }, /EACCES|EBUSY/);
    for (const kept of ['.git/config', 'nested/.git/config', 'config/.env.local']) expect(existsSync(join(fixture.workspace, kept))).toBe(true);
    expect(await fixture.text('remove', { path: 'sub' })).toBe('removed');
  });

  test('a temporary directory lies inside what was granted', async () => {
    const before = readdirSync(join(fixture.workspace, '..')).sort();
    for (const path of ['./', '.', fixture.workspace, `${fixture.workspace}/`]) await fixture.call('mkdtemp', { path });
    await denied('mkdtemp', { path: '.git/hooks/x' });
    expect(readdirSync(join(fixture.workspace, '..')).sort()).toEqual(before);
  });

  test('no file becomes setuid', async () => {
    chmodSync(join(fixture.workspace, 'a.txt'), 0o600);
    expect(await fixture.text('chmod', { path: 'a.txt' })).toBe('changed');
    expect(execFileSync('stat', ['-c', '%a', join(fixture.workspace, 'a.txt')], { encoding: 'utf8' }).trim()).toBe('777');
  });
});

describe('the private directory', () => {
  test('of a package with a hostile name lies where private directories lie', async () => {
    for (const name of ['..', '.']) {
      expect(join('/home/.dash/data', encodeURIComponent(name))).not.toMatch(/data\/./); // control arm: encoding is not enough
      await expect(openFixture({ name, files: { 'index.ts': extensionOf(TOOLS) }, capture: false })).rejects.toMatchObject({ code: 'INVALID_MANIFEST' });
    }
    for (const name of ['@scope/..', '%2e%2e', '@../x', '...']) {
      await using other = await openFixture({ name, files: { 'index.ts': extensionOf(TOOLS) } });
      const { data } = JSON.parse(await other.text('places')) as { data: string };
      expect(data).toBe(join(other.dashHome, 'data', encodeURIComponent(name), 'agent'));
      for (const path of ['grants.json', 'data/../grants.json']) expect((await other.call('read', { path: join(other.dashHome, path) })).isError).toBe(true);
      for (const path of ['../../../grants.json', '../../other/agent/x']) expect((await other.call('write', { path: `${data}/${path}` })).isError).toBe(true);
    }
  });
});

describe('outside of a call', () => {
  test('the file system is closed without `background`, open with it', async () => {
    const body = `setTimeout(() => require('fs').promises.readFile('a.txt', 'utf8').then((t) => ctx.ui.notify('read ' + t), (e) => ctx.ui.notify(e.code)), 50); return 'later'`;
    for (const [granted, expected] of [
      [['fs:read'], 'EACCES'],
      [['fs:read', 'background'], 'read hello'],
    ] as const) {
      await using other = await openFixture({ files: { 'index.ts': extensionOf({ later: body }) }, granted, workspaceFiles: { 'a.txt': 'hello' } });
      expect(await other.text('later')).toBe('later');
      await expect.poll(() => other.said.length, { timeout: 5_000 }).toBe(1);
      expect(other.said[0]).toEqual(['notify', expected, 'info']);
    }
  });
});

test('a recursive watcher learns no name below a protected directory', async () => {
  await using fixture = await openFixture({
    files: {
      'index.ts': extensionOf({
        watch: `globalThis.heard = []; require('fs').watch('.', { recursive: true }, (event, name) => globalThis.heard.push(String(name))); return 'watching'`,
        heard: `return globalThis.heard.join(' ')`,
      }),
    },
    granted: ['fs:read', 'background'],
    workspaceFiles: { '.ssh/config': '', 'src/a.txt': '' },
  });
  const plain: string[] = [];
  const control = watch(fixture.workspace, { recursive: true }, (_event, name) => plain.push(String(name)));
  try {
    await fixture.text('watch');
    // Watching begins some time later, here and there: said again until it is heard.
    await until(async () => {
      await writeFile(`${fixture.workspace}/.ssh/id_secret`, `${Math.random()}`);
      await writeFile(`${fixture.workspace}/src/seen.txt`, `${Math.random()}`);
      return plain.includes('.ssh/id_secret') && (await fixture.text('heard')).includes('src/seen.txt');
    });
    expect(await fixture.text('heard')).not.toContain('id_secret');
  } finally {
    control.close();
  }
});
