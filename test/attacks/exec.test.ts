import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allowListed } from '../../sandbox/capabilities/exec-allow-list.ts';
import { parseCommand } from '../../sandbox/capabilities/exec-command.ts';
import type { OsLayer } from '../../sandbox/index.ts';
import { extensionOf, openFixture, textOf, until, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * What a package tries with a grant for one harmless program, on a machine that cannot confine programs: there nothing
 * stands between a wrong word and the user. Each control arm runs the same words with plain `child_process`.
 */
const absent = (): Promise<OsLayer> => Promise.resolve({ kind: 'absent', reason: 'this test has none' });
const TOOLS = {
  run: `const r = require('node:child_process').spawnSync(params.file, params.args ?? [], { encoding: 'utf8', ...params.options }); if (r.error) throw r.error; return r.status + ' ' + r.stdout + r.stderr`,
  exec: `return require('node:child_process').execSync(params.command, { encoding: 'utf8', ...params.options })`,
  later: `setTimeout(() => { require('node:child_process').exec(params.command, () => {}); }, 50); return 'armed'`,
  repository: `const fs = require('node:fs'); const dir = require('@earendil-works/pi-coding-agent').getAgentDir() + '/repository';
    for (const name of ['objects', 'refs']) fs.mkdirSync(dir + '/.git/' + name, { recursive: true });
    fs.writeFileSync(dir + '/.git/HEAD', 'ref: refs/heads/x\\n'); fs.writeFileSync(dir + '/.git/config', '[core]\\n\\trepositoryformatversion = 0\\n\\tfsmonitor = ' + params.fsmonitor + '\\n'); return dir`,
};

let fixture: Fixture;
let ran: string;
const plainGit = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd: fixture.workspace,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], HOME: fixture.home, PAGER: 'cat' },
  });

beforeEach(async () => {
  fixture = await openFixture({
    files: { 'index.ts': extensionOf(TOOLS) },
    granted: ['fs:read', 'fs:write', 'exec:git', 'exec:uname', 'exec:date'],
    workspaceFiles: { 'a.txt': 'a', 'sub/b.txt': 'b' },
    environment: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    osLayer: absent,
  });
  ran = join(fixture.home, 'ran');
  plainGit('init', '-q', '-b', 'trunk');
  plainGit('add', '.');
  plainGit('commit', '-qm', 'first');
  writeFileSync(join(fixture.home, 'evil'), `#!/bin/sh\ntouch ${ran}\ncat\n`, { mode: 0o755 });
});
afterEach(() => fixture[Symbol.asyncDispose]());

describe('a repository whose configuration runs things', () => {
  const evil = (): string => join(fixture.home, 'evil');
  /** `prepare` arms the trap; `words` are what the package runs; the same words, plain, spring it. */
  const traps: readonly { readonly name: string; readonly prepare: () => void; readonly words: readonly string[] }[] = [
    { name: 'fsmonitor', prepare: () => plainGit('config', 'core.fsmonitor', evil()), words: ['status', '--porcelain'] },
    {
      name: 'a clean filter',
      prepare: () => {
        writeFileSync(join(fixture.workspace, '.gitattributes'), '* filter=evil\n');
        plainGit('config', 'filter.evil.clean', evil());
        writeFileSync(join(fixture.workspace, 'a.txt'), 'b');
      },
      words: ['status', '--porcelain'],
    },
    {
      name: 'a clean filter with a name of dots and capitals',
      prepare: () => {
        writeFileSync(join(fixture.workspace, '.gitattributes'), '* filter=E.v.I.l\n');
        plainGit('config', 'filter.E.v.I.l.clean', evil());
        writeFileSync(join(fixture.workspace, 'a.txt'), 'b');
      },
      words: ['status', '--porcelain'],
    },
    {
      name: 'a filter process',
      prepare: () => {
        writeFileSync(join(fixture.workspace, '.gitattributes'), '* filter=evil\n');
        plainGit('config', 'filter.evil.process', evil());
        writeFileSync(join(fixture.workspace, 'a.txt'), 'b');
      },
      words: ['status', '--porcelain'],
    },
    {
      name: 'an included configuration',
      prepare: () => {
        writeFileSync(join(fixture.home, 'more'), `[core]\n\tfsmonitor = ${evil()}\n`);
        plainGit('config', 'include.path', join(fixture.home, 'more'));
      },
      words: ['status', '--porcelain'],
    },
    {
      name: 'the user\u2019s own configuration',
      prepare: () => writeFileSync(join(fixture.home, '.gitconfig'), `[core]\n\tfsmonitor = ${evil()}\n`),
      words: ['status', '--porcelain'],
    },
    {
      name: 'a signature that is verified',
      prepare: () => {
        plainGit('config', 'gpg.program', evil());
        plainGit('config', 'log.showSignature', 'true');
        const [tree, parent] = [plainGit('rev-parse', 'HEAD^{tree}').trim(), plainGit('rev-parse', 'HEAD').trim()];
        const commit = `tree ${tree}\nparent ${parent}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nsigned\n`;
        const hash = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], { cwd: fixture.workspace, input: commit, encoding: 'utf8' }).trim();
        plainGit('update-ref', 'HEAD', hash);
      },
      words: ['log', '-n1', '--oneline'],
    },
    {
      name: 'a submodule with its own fsmonitor',
      prepare: () => {
        plainGit('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', '--force', fixture.workspace, 'inner');
        execFileSync('git', ['config', 'core.fsmonitor', evil()], { cwd: join(fixture.workspace, 'inner') });
      },
      words: ['status', '--porcelain'],
    },
  ];

  test.each(traps)('$name', async ({ prepare, words }) => {
    prepare();
    expect(await fixture.text('run', { file: 'git', args: words })).toMatch(/^0 /);
    expect(existsSync(ran)).toBe(false);
    try {
      plainGit(...words);
    } catch {
      // the trap need not leave git in a good state
    }
    expect(existsSync(ran)).toBe(true);
  });

  test('a repository that the package made itself, where it may give files any name', async () => {
    const directory = await fixture.text('repository', { fsmonitor: evil() });
    const outcome = await fixture.call('run', { file: 'git', args: ['status', '--porcelain'], options: { cwd: directory } });
    expect(textOf(outcome)).toContain('`node`');
    expect(existsSync(ran)).toBe(false);
    execFileSync('git', ['status', '--porcelain'], { cwd: directory, stdio: 'ignore' });
    expect(existsSync(ran)).toBe(true);
  });
});

describe('options that run, read or write', () => {
  const out = (name: string): string => join(fixture.home, name);
  const options: readonly { readonly name: string; readonly words: () => readonly string[]; readonly effect?: () => boolean }[] = [
    { name: 'log --output', words: () => ['log', '-n1', `--output=${ran}`] },
    { name: 'log with a format that runs gpg', words: () => ['log', '-n1', '--format=%G?'] },
    { name: 'log with trailers', words: () => ['log', '-n1', '--format=%(trailers:key=x)'] },
    { name: 'log -p with an external diff', words: () => ['log', '-p', '--ext-diff', '-n1'] },
    { name: 'log -G with textconv', words: () => ['log', '--textconv', '-G', 'x'] },
    { name: 'diff --no-index', words: () => ['diff', '--no-index', '/dev/null', '/etc/passwd'] },
    { name: 'diff --output', words: () => ['diff', `--output=${ran}`] },
    { name: 'grep -O', words: () => ['grep', `-Osh -c "touch ${ran}"`, 'a'] },
    { name: '-c core.fsmonitor', words: () => ['-c', `core.fsmonitor=${out('evil')}`, 'status'] },
    { name: '-c alias', words: () => ['-c', `alias.status=!touch ${ran}`, 'status'] },
    { name: '--exec-path', words: () => [`--exec-path=${fixture.home}`, 'status'] },
    { name: '--git-dir', words: () => [`--git-dir=${fixture.home}`, 'status'] },
    { name: '--work-tree', words: () => ['--work-tree=/etc', 'status'] },
    { name: '-C', words: () => ['-C', '/', 'status'] },
    { name: '--config-env', words: () => ['--config-env=core.fsmonitor=HOME', 'status'] },
    { name: 'config', words: () => ['config', 'core.fsmonitor', out('evil')] },
    { name: 'archive --output', words: () => ['archive', `--output=${ran}`, 'HEAD'] },
    { name: 'archive --remote --exec', words: () => ['archive', '--remote=.', `--exec=touch ${ran};`, 'HEAD'] },
    { name: 'fetch --upload-pack', words: () => ['fetch', `--upload-pack=touch ${ran};`, '.'] },
    { name: 'ls-remote --upload-pack', words: () => ['ls-remote', `--upload-pack=touch ${ran};`, '.'] },
    { name: 'clone by ext::', words: () => ['clone', `ext::touch% ${ran}`, 'x'] },
    { name: 'rebase --exec', words: () => ['rebase', '--exec', `touch ${ran}`, 'HEAD~0'] },
    { name: 'bisect run', words: () => ['bisect', 'run', 'touch', ran] },
    { name: 'submodule foreach', words: () => ['submodule', 'foreach', `touch ${ran}`] },
    { name: 'filter-branch', words: () => ['filter-branch', '--tree-filter', `touch ${ran}`] },
    { name: 'difftool', words: () => ['difftool', '-y', '-x', `touch ${ran}`] },
    { name: 'help in a browser', words: () => ['-c', `browser.x.cmd=touch ${ran}`, 'help', '-w', 'log'] },
    { name: 'a new branch', words: () => ['branch', 'new'] },
    { name: 'deleting a branch', words: () => ['branch', '--list', '-D', 'trunk'] },
    { name: 'a new tag', words: () => ['tag', 'new'] },
    { name: 'rev-parse of an option that is none', words: () => ['rev-parse', '--parseopt'] },
    { name: 'a revision that is an option', words: () => ['log', '-n1', '--', '--output=x'] },
    { name: 'status with an optional path outside', words: () => ['status', '--porcelain', '/etc'] },
    { name: 'hash-object', words: () => ['hash-object', '/etc/passwd'] },
    { name: 'blame --contents', words: () => ['blame', '--contents', '/etc/passwd', 'a.txt'] },
    { name: 'checkout', words: () => ['checkout', '--', '.'] },
    { name: 'update-index by a line break', words: () => ['log', '-n1\n--output=x'] },
  ];

  test.each(options)('git $name', async ({ words }) => {
    const before = plainGit('for-each-ref');
    expect(allowListed(['git', ...words()])).toBeUndefined();
    const outcome = await fixture.call('run', { file: 'git', args: words() });
    expect([outcome.isError, textOf(outcome)]).toEqual([true, expect.stringContaining('`node`')]);
    expect([existsSync(ran), plainGit('for-each-ref')]).toEqual([false, before]);
  });

  test('the control arm: plain git does what such options say', () => {
    const control = (words: readonly string[]): boolean => {
      try {
        plainGit(...words);
      } catch {
        // some fail after they ran
      }
      const happened = existsSync(ran);
      execFileSync('rm', ['-f', ran]);
      return happened;
    };
    const byName = (name: string): readonly string[] => options.find((option) => option.name === name)?.words() ?? [];
    for (const name of [
      'log --output',
      'diff --output',
      'grep -O',
      '-c core.fsmonitor',
      'archive --output',
      'fetch --upload-pack',
      'ls-remote --upload-pack',
    ]) {
      expect([name, control(byName(name))]).toEqual([name, true]);
    }
  });

  test('other programs on the list take no file and no command either', () => {
    for (const argv of [
      ['date', '-f', '/etc/passwd'],
      ['date', '-r', '/etc/passwd'],
      ['date', '-s', '2000-01-01'],
      ['node', '-e', '1'],
      ['node', '--version', '-r', './x'],
      ['uname', '-a', ';id'],
      ['/usr/bin/git', 'status'],
      ['git'],
    ]) {
      expect([argv, allowListed(argv)]).toEqual([argv, undefined]);
    }
  });
});

describe('one string with more than one command in it', () => {
  test.each([
    `uname; touch RAN`,
    `uname && touch RAN`,
    `uname | tee RAN`,
    `uname > RAN`,
    'uname `touch RAN`',
    `uname $(touch RAN)`,
    `uname "$(touch RAN)"`,
    'uname "`touch RAN`"',
    `uname\ntouch RAN`,
    `uname & touch RAN`,
    `uname #\ntouch RAN`,
    `X=1 touch RAN`,
    `{ touch RAN; }`,
    `(touch RAN)`,
    `eval 'touch RAN'`,
    `! touch RAN`,
    `time touch RAN`,
    `exec touch RAN`,
    `. ./a.txt`,
    `uname \\\n; touch RAN`,
    `uname <(touch RAN)`,
    `uname \${X:=$(touch RAN)}`,
  ])('%j needs a shell, and that was not granted', async (command) => {
    const text = command.replaceAll('RAN', ran);
    expect(parseCommand(text).kind).toBe('shell');
    expect(textOf(await fixture.call('exec', { command: text }))).toContain('`exec:sh`');
    expect(existsSync(ran)).toBe(false);
  });

  test('quotes and backslashes make words, as in a shell', () => {
    const texts = [`printf '%s|' a 'b c' "d e" f\\ g h'i'"j" '' "" '$x' "\\$x" "\\\\" "\\a" 'a"b' "a'b" a\\;b`, `printf '%s|' --x=1 a=b a@b:c,d.e/f_g+h%i^j`];
    for (const text of texts) {
      const command = parseCommand(text);
      expect(command.kind).toBe('words');
      const [program = '', ...args] = command.kind === 'words' ? command.argv : [];
      expect(execFileSync(program, args, { encoding: 'utf8' })).toBe(execFileSync('sh', ['-c', text], { encoding: 'utf8' }));
    }
  });
});

describe('a program that is not the one that was granted', () => {
  test('a path, another case, a path through the workspace', async () => {
    for (const file of ['./git', '/usr/bin/env', 'Git', 'git ', '../git', 'sub/../git', `${fixture.workspace}/git`]) {
      expect([file, (await fixture.call('run', { file, args: ['--version'] })).isError]).toEqual([file, true]);
    }
  });

  test('a file of the same name, where a PATH of the user leads into the workspace or to where everybody writes', async () => {
    const open = join(fixture.home, 'open');
    for (const place of [join(fixture.workspace, 'bin'), open]) {
      mkdirSync(place);
      writeFileSync(join(place, 'uname'), `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
    }
    chmodSync(open, 0o777);
    const PATH = `:.:bin:${fixture.workspace}/bin:${open}:${process.env['PATH']}`;
    const extension = fixture.reopen({ environment: { PATH } });
    const outcome = await extension.callTool('run', { file: 'uname' }, { toolCallId: '1', context: { mode: 'print', hasUI: false } });
    expect(textOf(outcome)).toMatch(/^0 Linux|Darwin/);
    expect(existsSync(ran)).toBe(false);
    execFileSync('uname', { cwd: fixture.workspace, env: { PATH } });
    expect(existsSync(ran)).toBe(true);
  });

  test.each([
    'LD_PRELOAD',
    'GIT_EXTERNAL_DIFF',
    'GIT_SSH_COMMAND',
    'GIT_CONFIG_PARAMETERS',
    'GIT_DIR',
    'NODE_OPTIONS',
    'PERL5OPT',
    'ENV',
    'GCONV_PATH',
    'http_proxy',
  ])('a harmless one with %s set', async (name) => {
    expect(textOf(await fixture.call('run', { file: 'uname', options: { env: { [name]: 'x' } } }))).toContain(name);
  });

  test('PATH, HOME and PWD of the package are not the program\u2019s', async () => {
    const PATH = join(fixture.workspace, 'bin');
    expect(await fixture.text('run', { file: 'uname', options: { env: { PATH, HOME: '/x', PWD: '/x' } } })).toMatch(/^0 /);
  });
});

test('a timer that fires after the call starts nothing', async () => {
  expect(await fixture.text('exec', { command: 'uname' })).toMatch(/\w/);
  await fixture.text('later', { command: 'uname' });
  await until(() => fixture.denials.some(({ rule, permission }) => rule === 'outside a call' && permission === 'background'));
});
