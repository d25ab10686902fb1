import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

/** The program as a user starts it, in a home and a directory of its own. */
const BIN = join(import.meta.dirname, '..', '..', 'bin', 'dash.js');

interface Place {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

async function newPlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'dash-cli-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const dir = join(root, 'work');
  await mkdir(dir);
  return {
    dir,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: root,
      DASH_HOME: join(root, 'home'),
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_fetch_retries: '0',
    },
  };
}

function dash({ dir, env }: Place, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { cwd: dir, env, encoding: 'utf8', input: '' });
  return { status, stdout, stderr };
}

function json(stdout: string): unknown {
  return JSON.parse(stdout);
}

let place: Place;
beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'dash-cli-'));
  place = { dir: root, env: { PATH: process.env['PATH'] ?? '', HOME: root, DASH_HOME: join(root, 'home') } };
  return () => rm(root, { recursive: true, force: true });
});

describe('the program', () => {
  test('tells its version on stdout and nothing else', async () => {
    const { version } = json(await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string };
    expect(dash(place, '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(json(dash(place, '--version', '--json').stdout)).toEqual({ version });
  });

  test('lists its commands, and the options of one', () => {
    expect(dash(place, '--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ {2}install .*\n[\s\S]*^ {2}publish /m), stderr: '' });
    expect(dash(place, 'help', 'install').stdout).toContain('--grant');
    expect(dash(place, 'publish', '--help').stdout).toContain('--confirm');
  });

  test.for([
    [['instal', 'x'], 'UNKNOWN_COMMAND', 'did you mean `dash install`?'],
    [['registry', 'srve'], 'UNKNOWN_COMMAND', 'did you mean `dash registry serve`?'],
    [['xyzzy'], 'UNKNOWN_COMMAND', '`dash --help` lists the commands'],
    [['list', '--jsonn'], 'USAGE', 'did you mean --json?'],
    [['create'], 'USAGE', '`dash create --help` shows how it is used'],
    [['create', 'skil'], 'USAGE', 'did you mean `dash create skill`?'],
    [['create', 'skill', 'Not_A_Name'], 'USAGE', 'use lower-case letters, digits and single hyphens, 64 at most'],
    [['call', 'x'], 'USAGE', 'name it: `--package <name>` or `--package <dir>`'],
    [['audit', 'log', '--limit', 'x'], 'USAGE', undefined],
    [['registry', 'serve', '--port', '99999'], 'USAGE', 'a port is a number from 0 to 65535; 0 takes a free one'],
  ] as const)('%j is %s, exit 2', ([args, code, hint]) => {
    const plain = dash(place, ...args);
    expect(plain).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(new RegExp(`^${code}: `)) });
    const asJson = dash(place, ...args, '--json');
    expect(asJson).toMatchObject({ status: 2, stderr: '' });
    expect(json(asJson.stdout)).toEqual({ error: { code, message: expect.any(String), ...(hint !== undefined && { hint }) } });
  });

  test('explains itself when the shell of the same name was meant', async () => {
    const { dir, env } = await newPlace();
    await writeFile(join(dir, 'job.sh'), 'echo hello\n');
    for (const args of [['-c', 'echo hello'], ['job.sh'], ['./job.sh']]) {
      expect(dash({ dir, env }, ...args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('/bin/dash') });
    }
  });

  test('ends without a word when nobody reads what it prints', () => {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', `"${process.execPath}" "${BIN}" --help | head -n 1`], { env: place.env, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('uses no colour where it is not wanted, and some where it is', () => {
    const coloured = spawnSync(process.execPath, [BIN, 'xyzzy'], { env: { ...place.env, FORCE_COLOR: '1' }, encoding: 'utf8' });
    expect(coloured.stderr).toContain('\u001b[');
    expect(dash(place, 'xyzzy').stderr).not.toContain('\u001b[');
  });
});

describe('create and check', () => {
  test.for(['extension', 'skill', 'prompt', 'theme', 'package'])('a new %s passes its own check without a warning', async (kind) => {
    const here = await newPlace();
    const created = dash(here, 'create', kind, 'my-thing', '--json');
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(json(created.stdout)).toMatchObject({ dir: join(here.dir, 'my-thing'), check: { ok: true, diagnostics: [] } });
    for (const path of (json(created.stdout) as { files: string[] }).files) {
      expect(path).not.toContain('{{');
      expect(await readFile(join(here.dir, 'my-thing', path), 'utf8')).not.toContain('{{');
    }
    expect(json(dash(here, 'check', 'my-thing', '--json').stdout)).toEqual({ ok: true, diagnostics: [] });
  });

  test('never overwrites, and writes nothing on a dry run', async () => {
    const here = await newPlace();
    await mkdir(join(here.dir, 'mine'));
    expect(dash(here, 'create', 'skill', 'mine')).toMatchObject({ status: 2, stderr: expect.stringContaining('TARGET_EXISTS') });
    expect(await readdir(join(here.dir, 'mine'))).toEqual([]);
    expect(dash(here, 'create', 'skill', 'other', '--dry-run').status).toBe(0);
    expect(await readdir(here.dir)).toEqual(['mine']);
  });

  test.for([
    ['does not compile', 'export default (dash) => {\n  dash.registerTool({;\n};\n', 'COMPILE_FAILED', 2],
    ['throws while it registers', 'export default () => {\n\n  throw new Error("no");\n};\n', 'FACTORY_FAILED', 3],
  ] as const)('an extension that %s is an error with its line, exit 6', async ([, source, code, line]) => {
    const here = await newPlace();
    dash(here, 'create', 'extension', 'broken');
    await writeFile(join(here.dir, 'broken/src/index.ts'), source);
    const checked = dash(here, 'check', 'broken', '--json');
    expect(checked.status).toBe(6);
    expect(json(checked.stdout)).toMatchObject({ ok: false, diagnostics: [{ severity: 'error', code, where: { path: 'src/index.ts', line } }] });
  });

  test('a lone SKILL.md is held to the strict rules', async () => {
    const here = await newPlace();
    dash(here, 'create', 'skill', 'notes');
    expect(dash(here, 'check', 'notes/SKILL.md').status).toBe(0);
    await writeFile(join(here.dir, 'notes/SKILL.md'), '---\nname: other\ndescription: d\n---\n');
    expect(dash(here, 'check', 'notes/SKILL.md')).toMatchObject({ status: 6, stdout: expect.stringContaining('the directory is `notes`') });
  });
});

describe('check --fix', () => {
  const untidy = '---\nname: tidy\ndescription: Use when: it is untidy\nversion: 1\n---\nBody\n';

  test('mends the skills of a folder and says what it did; a dry run only says it', async () => {
    const here = await newPlace();
    await mkdir(join(here.dir, 'pack/skills/old'), { recursive: true });
    await writeFile(join(here.dir, 'pack/skills/old/SKILL.md'), untidy);
    const skill = {
      path: 'skills/old/SKILL.md',
      done: ['quoted `description`, which YAML reads otherwise', 'moved `version` under `metadata`'],
      renamed: 'tidy',
    };
    const dry = dash(here, 'check', 'pack', '--fix', '--dry-run', '--json');
    expect([dry.status, json(dry.stdout)]).toMatchObject([6, { ok: false, fixed: [skill] }]);
    expect(await readFile(join(here.dir, 'pack/skills/old/SKILL.md'), 'utf8')).toBe(untidy);

    const mended = dash(here, 'check', 'pack', '--fix');
    expect(mended).toMatchObject({ status: 0, stdout: expect.stringContaining('skills/old/SKILL.md: fixed: renamed its directory to `tidy`\n') });
    expect(await readdir(join(here.dir, 'pack/skills'))).toEqual(['tidy']);
    expect(dash(here, 'check', 'pack', '--fix').stdout).toBe('nothing that `--fix` can mend\ncheck passed: pack, 0 errors, 0 warnings\n');
  });

  test('renames the directory of a lone SKILL.md, never over another and never a repository', async () => {
    const here = await newPlace();
    for (const name of ['a', 'b', 'c']) {
      await mkdir(join(here.dir, name));
      await writeFile(join(here.dir, name, 'SKILL.md'), untidy);
    }
    await mkdir(join(here.dir, 'b/.git'));
    expect(dash(here, 'check', 'b/SKILL.md', '--fix')).toMatchObject({
      status: 6,
      stdout: expect.stringContaining('left: `b` is a whole repository or package'),
    });
    const renamed = dash(here, 'check', 'a/SKILL.md', '--fix');
    expect(renamed).toMatchObject({ status: 0, stdout: expect.stringContaining('check passed: tidy/SKILL.md') });
    expect(dash(here, 'check', 'c/SKILL.md', '--fix')).toMatchObject({ status: 6, stdout: expect.stringContaining('left: `tidy` lies beside it already') });
    expect((await readdir(here.dir)).toSorted()).toEqual(expect.arrayContaining(['b', 'c', 'tidy']));
  });

  test('leaves the directory that package.json names', async () => {
    const here = await newPlace();
    await mkdir(join(here.dir, 'pack/mine/old'), { recursive: true });
    await writeFile(join(here.dir, 'pack/package.json'), JSON.stringify({ name: 'pack', version: '1.0.0', dash: { skills: ['./mine/old'] } }));
    await writeFile(join(here.dir, 'pack/mine/old/SKILL.md'), untidy);
    expect(json(dash(here, 'check', 'pack', '--fix', '--json').stdout)).toMatchObject({
      ok: false,
      fixed: [{ left: 'package.json names `mine/old`; rename both' }],
    });
    expect(await readdir(join(here.dir, 'pack/mine'))).toEqual(['old']);
  });
});

test('from create to another user: pack, publish to a served registry, search', async () => {
  const here = await newPlace();
  const server = spawn(process.execPath, [BIN, 'registry', 'serve', '--data', 'packages', '--token', 'secret', '--json'], {
    cwd: here.dir,
    env: here.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  const { url } = json(String(line)) as { url: string };
  try {
    dash(here, 'create', 'prompt', '@acme/review');
    const packed = dash(here, 'pack', 'review', '--json');
    expect(json(packed.stdout)).toMatchObject({ filename: 'acme-review-0.1.0.tgz', integrity: expect.stringMatching(/^sha512-/), permissions: [] });
    expect(await readdir(here.dir)).toContain('acme-review-0.1.0.tgz');

    const dry = dash(here, 'publish', 'review', '--registry', url, '--json');
    expect(json(dry.stdout)).toMatchObject({ published: false, name: '@acme/review', version: '0.1.0', permissionChange: { added: [], removed: [] } });
    const refused = dash(here, 'publish', 'review', '--registry', url, '--confirm', '--json');
    expect(json(refused.stdout)).toMatchObject({ error: { code: 'PUBLISH_FAILED', hint: expect.stringContaining('npm login') } });

    await writeFile(join(here.env['HOME'] ?? '', '.npmrc'), `${url.replace('http:', '')}:_authToken=secret\n`);
    expect(dash(here, 'publish', 'review', '--registry', url, '--confirm')).toMatchObject({ status: 0, stdout: expect.stringContaining('published') });
    expect(json(dash(here, 'search', 'review', '--registry', url, '--json').stdout)).toMatchObject({
      results: [{ name: '@acme/review', version: '0.1.0', ecosystems: ['dash'] }],
      total: 1,
    });
  } finally {
    server.kill('SIGTERM');
  }
  expect(await once(server, 'exit')).toEqual([0, null]);
});

test('a registry that does not answer is exit 7', async () => {
  const here = await newPlace();
  const searched = dash(here, 'search', 'x', '--json');
  expect(searched.status).toBe(7);
  expect(json(searched.stdout)).toMatchObject({ error: { code: 'REGISTRY_ERROR' } });
});
