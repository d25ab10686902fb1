import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { osLayer, recoverLeftBehind } from '../../sandbox/index.ts';
import { extensionOf, openFixture, temporaryDirectory, writeFiles, type Fixture } from '../support/sandbox-fixture.ts';
import { openShellScene, shellLayer } from '../support/shell-scene.ts';

/**
 * What programs leave behind to be run, followed or read later, by the confined program of a package and by a command of
 * the host. Each control arm is the same script without anybody who looks afterwards.
 */
const layer = await osLayer();
const FILES = { 'CLAUDE.md': 'rules', 'src/a.ts': 'a', 'output/here.txt': '', 'a/x/f': '', 'b/x/f': '' };
const EVIL = `printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = true\\n\\tfsmonitor = touch "$OUT/ran"; false\\n'`;

const hasPerl = existsSync('/usr/bin/perl');

interface Trick {
  readonly script: string;
  /** What must be as it was; it is there where nobody looked. */
  readonly path: string;
  /** Something that happens to the user who works in this directory. */
  readonly springs?: string;
}

const TRICKS: Readonly<Record<string, Trick>> = {
  'a link to instructions, replaced by a file': { script: 'rm AGENTS.md; echo obey > AGENTS.md', path: 'AGENTS.md' },
  'a link that leads to a start file of the shell': { script: 'ln -s "$OUT/.bashrc" output/notes.txt', path: 'output/notes.txt' },
  'a link that leads to a directory of the user': { script: 'ln -s "$OUT" output/more', path: 'output/more' },
  'a pipe on which a reader waits for ever': { script: 'mkfifo output/data.json', path: 'output/data.json' },
  'a new repository': { script: `git init -q sub && ${EVIL} > sub/.git/config`, path: 'sub/.git' },
  'a repository without a working tree': {
    script: `mkdir -p output/x/objects output/x/refs; echo 'ref: refs/heads/x' > output/x/HEAD; ${EVIL} > output/x/config`,
    path: 'output/x',
  },
  'a repository that lies elsewhere for the most part': {
    script: `mkdir -p output/y output/z/objects output/z/refs; echo 'ref: refs/heads/x' > output/y/HEAD; echo ../z > output/y/commondir; ${EVIL} > output/z/config`,
    path: 'output/y',
  },
  'a hook manager beside another of its name (1)': {
    script: 'mkdir a/x/.husky b/x/.husky; echo e > a/x/.husky/pre-commit; echo e > b/x/.husky/pre-commit',
    path: 'a/x/.husky',
  },
  'a hook manager beside another of its name (2)': {
    script: 'mkdir a/x/.vscode b/x/.vscode; echo e > a/x/.vscode/tasks.json; echo e > b/x/.vscode/tasks.json',
    path: 'b/x/.vscode',
  },
  'a manifest in a directory that nobody may list': { script: 'mkdir p; echo "{}" > p/package.json; chmod 311 p', path: 'p/package.json' },
  'a start file in a directory that nobody may write to': { script: 'mkdir q; echo e > q/.envrc; chmod 555 q', path: 'q/.envrc' },
  ...(hasPerl && {
    'a start file behind more names than a path has room for': {
      script: `perl -e 'mkdir "deep"; chdir "deep"; for (1..25) { mkdir "n" x 200; chdir("n" x 200) or exit 1 } open(F, ">", ".envrc") or exit 1'`,
      path: `deep/${Array.from({ length: 18 }, () => 'n'.repeat(200)).join('/')}`,
    },
  }),
  'many at once': { script: 'for i in $(seq 60); do mkdir -p m/$i; echo e > m/$i/.envrc; done', path: 'm/57/.envrc' },
};
const BYTES = Buffer.concat([Buffer.from('by'), Buffer.from([0xff, 0xfe])]);
/** The name of this directory is no UTF-8: a program that reads names as text sees another one, that does not exist. */
const UNNAMED = `d=$(printf 'by\\377\\376'); mkdir "$d"; echo e > "$d/.envrc"`;
const holdsUnnamed = (directory: string): boolean => readdirSync(directory, { encoding: 'buffer' }).some((name) => name.equals(BYTES));

const isThere = (workspace: string, path: string): boolean => {
  const found = lstatSync(join(workspace, path), { throwIfNoEntry: false });
  return found !== undefined && !(path === 'AGENTS.md' && found.isSymbolicLink());
};

/** The same script where nobody looks. */
async function naively(script: string, judge: (workspace: string) => void): Promise<void> {
  await using directory = await temporaryDirectory();
  const workspace = join(directory.path, 'w');
  await writeFiles(workspace, FILES);
  execFileSync('ln', ['-s', 'CLAUDE.md', join(workspace, 'AGENTS.md')]);
  execFileSync('/bin/sh', ['-c', script], { cwd: workspace, env: { PATH: process.env['PATH'], OUT: directory.path, HOME: directory.path } });
  judge(workspace);
  removeDeep(directory.path);
}

/** Node has no way to a path that is too long. */
function removeDeep(directory: string): void {
  execFileSync('find', [directory, '-name', 'n'.repeat(200), '-prune', '-exec', 'rm', '-rf', '{}', '+']);
}

const run = `const r = require('node:child_process').spawnSync('sh', ['-c', params.script], { encoding: 'utf8', env: { OUT: params.out } }); if (r.error) throw r.error; return r.status + ' ' + r.stdout + r.stderr`;
const openWide = (more: object = {}): Promise<Fixture> =>
  openFixture({
    files: { 'index.ts': extensionOf({ run }) },
    granted: ['fs:read', 'fs:write', 'exec:sh'],
    workspaceFiles: FILES,
    environment: { PATH: process.env['PATH'] ?? '' },
    ...more,
  });

describe.skipIf(layer.kind !== 'live')('a program of a package (skipped where the probe of `dash sandbox layers` fails)', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await openWide();
    execFileSync('ln', ['-s', 'CLAUDE.md', join(fixture.workspace, 'AGENTS.md')]);
  });
  afterAll(async () => {
    removeDeep(join(fixture.workspace, '..'));
    await fixture[Symbol.asyncDispose]();
  });

  test.each(Object.entries(TRICKS))('cannot leave %s', async (_name, { script, path }) => {
    expect(await fixture.text('run', { script, out: fixture.home }, { timeoutMs: 60_000 })).toMatch(/^0 dash: .*was put/s);
    expect(isThere(fixture.workspace, path)).toBe(false);
    await naively(script, (workspace) => expect(isThere(workspace, path)).toBe(true));
  });

  test('cannot leave a directory whose name is no text', async () => {
    expect(await fixture.text('run', { script: UNNAMED, out: '' })).toMatch(
      /^0 dash: .*was put aside: a program of probe may not leave a directory that cannot be looked into/,
    );
    expect(holdsUnnamed(fixture.workspace)).toBe(false);
    await naively(UNNAMED, (workspace) => expect(holdsUnnamed(workspace)).toBe(true));
  });

  test('does not run where a secret lies behind a name that is no text', async () => {
    await using dark = await openWide({ granted: ['fs:read', 'exec:sh'] });
    execFileSync('sh', ['-c', `d=$(printf 'by\\377\\376'); mkdir "$d"; echo the-secret > "$d/.env"`], { cwd: dark.workspace });
    const script = 'cat by*/.env';
    expect(await dark.text('run', { script, out: '' })).toMatch(/EACCES.*is not UTF-8/);
    expect(execFileSync('sh', ['-c', script], { cwd: dark.workspace, encoding: 'utf8' })).toBe('the-secret\n');
  });

  test('gets a link back that was there, and what is its own stays', async () => {
    expect(readlinkSync(join(fixture.workspace, 'AGENTS.md'))).toBe('CLAUDE.md');
    expect(await fixture.text('run', { script: 'echo b > src/b.ts; ln -s ../src/b.ts output/b.ts; mkdir -p output/refs output/objects', out: '' })).toBe('0 ');
    expect(existsSync(join(fixture.workspace, 'output/b.ts'))).toBe(true);
  });

  test('cannot make a repository of the one directory that it may write', async () => {
    await using narrow = await openWide({ granted: ['fs:read', 'fs:write:./output', 'exec:sh'] });
    const script = `cd output; mkdir objects refs; echo 'ref: refs/heads/x' > HEAD; ${EVIL} > config`;
    expect(await narrow.text('run', { script, out: narrow.home })).toMatch(/^0 dash: `output\/HEAD` was put aside/);
    const status = (cwd: string): unknown =>
      execFileSync('sh', ['-c', 'git ls-files >/dev/null 2>&1; git status >/dev/null 2>&1; true'], { cwd, env: { PATH: process.env['PATH'] } });
    status(join(narrow.workspace, 'output'));
    expect(existsSync(join(narrow.home, 'ran'))).toBe(false);
  });

  test('is ended when it fills its private directory, and what it left is counted', async () => {
    await using small = await openWide({ maxPrivateBytes: 4 * 1024 * 1024 });
    const fill = `i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > "$TMPDIR/f$i"; sleep 0.02; done`;
    expect(await small.text('run', { script: fill, out: '' }, { timeoutMs: 60_000 })).toContain('EDQUOT');
    // In one go, faster than anybody looks: the next one does not start.
    await using quick = await openWide({ maxPrivateBytes: 4 * 1024 * 1024 });
    expect(await quick.text('run', { script: 'head -c 8000000 /dev/zero > "$TMPDIR/f"', out: '' })).toMatch(/^0 dash: EDQUOT: .*probe keeps at most 4 MiB/);
    expect(await quick.text('run', { script: 'true', out: '' })).toContain('EDQUOT');
    await using roomy = await openWide();
    expect(await roomy.text('run', { script: 'head -c 8000000 /dev/zero > "$TMPDIR/f"', out: '' })).toBe('0 ');
  });

  const hidden: readonly (readonly [string, string])[] = [
    ['under a name that is no text', `d=$(printf 'by\\377'); mkdir "$TMPDIR/$d"; head -c 8000000 /dev/zero > "$TMPDIR/$d/f"`],
    ['in a directory that nobody may list', `mkdir "$TMPDIR/p"; head -c 8000000 /dev/zero > "$TMPDIR/p/f"; chmod 311 "$TMPDIR/p"`],
    [
      'behind more names than a path has room for',
      `perl -e 'chdir $ENV{TMPDIR}; for (1..25) { mkdir "n" x 200; chdir("n" x 200) or exit 1 } open(F, ">", "f"); print F "x" x 8000000'`,
    ],
  ];
  test.each(hidden.filter(([, script]) => hasPerl || !script.startsWith('perl')))('cannot hide what it keeps %s', async (_name, script) => {
    await using small = await openWide({ maxPrivateBytes: 4 * 1024 * 1024 });
    expect(await small.text('run', { script, out: '' }, { timeoutMs: 60_000 })).toContain('EDQUOT');
    expect(await small.text('run', { script: 'true', out: '' })).toContain('EDQUOT');
    execFileSync('sh', ['-c', 'rm -rf "${TMPDIR:-/tmp}"/dash-package-*/nnnn*']);
  });

  test('that could not be started leaves no note by which the user would lose files', async () => {
    await using wide = await openWide();
    const notes = (): number => readdirSync(join(wide.dashHome, 'state/commands')).length;
    for (const script of [`echo a\u0000b`, `: ${'x'.repeat(400_000)}`]) {
      expect(await wide.call('run', { script, out: '' })).toMatchObject({ isError: true });
      expect(notes()).toBe(0);
    }
    expect(await wide.text('run', { script: 'echo fine', out: '' })).toBe('0 fine\n');
  });

  test('of an agent that was killed is looked after by the next one', async () => {
    await using directory = await temporaryDirectory();
    const { path } = directory;
    mkdirSync(join(path, 'tmp'));
    const script = join(import.meta.dirname, '../support/package-agent.ts');
    const agent = spawn(process.execPath, [script], { env: { PATH: process.env['PATH'], TMPDIR: join(path, 'tmp') }, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    try {
      for await (const chunk of agent.stdout) if ((said += String(chunk)).includes('\n')) break;
    } finally {
      agent.kill('SIGKILL');
    }
    if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit');
    const { workspace, home, dashHome } = JSON.parse(said.slice(0, said.indexOf('\n'))) as { workspace: string; home: string; dashHome: string };
    expect(readFileSync(join(workspace, '.envrc'), 'utf8')).toBe('evil\n'); // control arm: nobody has looked yet
    // What the user has done since stays: it is in a commit, and the program could not make one.
    const env = { PATH: process.env['PATH'], HOME: home };
    execFileSync('sh', ['-c', 'echo "{}" > package.json; git add package.json; git -c user.name=a -c user.email=a@b commit -qm user'], { cwd: workspace, env });
    const recover = (): Promise<string> => recoverLeftBehind({ workspace, home, dashHome, env });
    expect(await recover()).toMatch(/`.envrc` was put aside: a program of probe may not/);
    expect([existsSync(join(workspace, '.envrc')), existsSync(join(workspace, 'package.json'))]).toEqual([false, true]);
    expect(await recover()).toBe('');
  }, 120_000);
});

describe.skipIf(shellLayer.kind !== 'live')('a command of the host (skipped where the probe of `dash sandbox layers` fails)', () => {
  const fromHere = (script: string, out: string): string => script.replaceAll('$OUT', out);

  test.each(Object.entries(TRICKS).filter(([name]) => !name.includes('link')))('cannot leave %s', async (_name, { script, path }) => {
    await using scene = await openShellScene({ loose: FILES });
    const { notes } = await scene.run(fromHere(script, scene.at('h')));
    expect(notes).toMatch(/was put aside/);
    expect(isThere(scene.at('w'), path)).toBe(false);
    if (script.includes('m/$i')) expect(scene.asked).toHaveLength(20); // nobody reads sixty
    removeDeep(scene.at('.'));
  });

  test('cannot leave a directory whose name is no text', async () => {
    await using scene = await openShellScene({ loose: FILES });
    expect((await scene.run(UNNAMED)).notes).toMatch(/was put aside/);
    expect(holdsUnnamed(scene.at('w'))).toBe(false);
  });

  test('cannot make a repository of a workspace that is none', async () => {
    const script = (out: string): string => `mkdir objects refs; echo 'ref: refs/heads/x' > HEAD; ${fromHere(EVIL, out)} > config`;
    const status = (cwd: string, home: string): unknown =>
      execFileSync('sh', ['-c', 'git status >/dev/null 2>&1; git ls-files -m >/dev/null 2>&1; git -c core.bare=false --work-tree=. status; true'], {
        cwd,
        env: { PATH: process.env['PATH'], HOME: home },
        stdio: 'ignore',
      });
    await using scene = await openShellScene({ withGit: false, loose: FILES });
    expect((await scene.run(script(scene.at('h')))).notes).toMatch(/`HEAD` was put aside/);
    status(scene.at('w'), scene.at('h'));
    expect(existsSync(scene.at('h/ran'))).toBe(false);
    await using control = await temporaryDirectory();
    await writeFiles(join(control.path, 'w'), FILES);
    execFileSync('sh', ['-c', script(control.path)], { cwd: join(control.path, 'w') });
    status(join(control.path, 'w'), control.path);
    expect(existsSync(join(control.path, 'ran'))).toBe(true);
  });

  test('that makes a link with the name of a secret takes nothing from the user', async () => {
    await using scene = await openShellScene({ loose: { 'src/mine.ts': 'mine' } });
    await scene.run('ln -s src/mine.ts .env');
    expect(readFileSync(scene.at('w/src/mine.ts'), 'utf8')).toBe('mine');
  });
});
