import { spawnSync } from 'node:child_process';
import { chmod, mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { complete } from '../../cli/complete.ts';
import { COMMANDS } from '../../cli/command-table.ts';
import { COMPLETION_SCRIPTS, SHELLS } from '../../cli/completion-scripts.ts';
import { readSkills } from '../../cli/read-skills.ts';
import { readInstalled } from '../../registry/index.ts';
import { BIN, environment } from '../../scripts/demo/stage.ts';
import { makeSite } from '../registry/install-fixture.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A home with two linked packages, one of which has parts. */
async function withPackages() {
  const site = await makeSite();
  const write = async (name: string, files: Readonly<Record<string, string>>, dash: object) => {
    const dir = join(site.workspace, name);
    await mkdir(join(dir, 'skills'), { recursive: true });
    for (const [path, text] of Object.entries({ ...files, 'package.json': JSON.stringify({ name, version: '1.0.0', description: `the ${name}`, dash }) }))
      await writeFile(join(dir, path), text);
    await site.install(`./${name}`, { grant: ['summary'] });
  };
  await write(
    'weather',
    { 'index.ts': '// tool:forecast\nexport default () => {};\n', 'skills/sky.md': 'name: sky\n' },
    {
      extensions: ['index.ts'],
      skills: ['skills'],
      permissions: { 'net:api.example.com': 'to ask', 'ui:notify': 'to say' },
    },
  );
  await write('wiki', { 'index.ts': '// tool:lookup\nexport default () => {};\n' }, { extensions: ['index.ts'] });
  return { site, read: () => readInstalled({ dashHome: site.dashHome }) };
}
const nothing = () => Promise.resolve([]);
const values = async (line: string, read: Parameters<typeof complete>[1] = nothing) => (await complete(line.split(' '), read)).values.map(({ value }) => value);

describe('what fits', () => {
  test('are the first words of all commands', async () => {
    const offered = await values('');
    for (const { name } of COMMANDS) expect(offered).toContain(name.split(' ')[0]);
    expect(new Set(offered).size).toBe(offered.length);
    expect(offered).not.toContain('__complete');
  });

  test('after `skills show` are skills, and not packages', async () => {
    const { site, read } = await withPackages();
    await mkdir(join(site.dashHome, 'skills/tidy'), { recursive: true });
    await writeFile(join(site.dashHome, 'skills/tidy/SKILL.md'), '---\nname: tidy\ndescription: Tidies up.\n---\n');
    const readNames = async () => (await readSkills({ home: site.dashHome, cwd: site.workspace }, {})).skills;
    expect((await complete(['skills', 'show', 'ti'], read, readNames)).values).toEqual([{ value: 'tidy', about: 'Tidies up.' }]);
    expect(await values('install --skill ', read)).toEqual([]);
  });

  test.for<[string, readonly string[]]>([
    ['ins', ['install', 'inspect']],
    ['audit ', ['log', 'verify']],
    ['permissions ', ['list', 'grant', 'revoke', 'used', 'diff', 'weather', 'wiki']],
    ['help perm', ['permissions']],
    ['help permissions g', ['grant']],
    ['-C /tmp remove w', ['weather', 'wiki']],
    ['--json remove weather ', ['wiki']],
    ['permissions grant w', ['weather', 'wiki']],
    ['permissions grant weather ', ['net:api.example.com', 'ui:notify']],
    ['disable weather ', ['index.ts', 'skills/sky.md']],
    ['call f', ['forecast']],
    ['call --package wiki ', ['lookup']],
    ['call --package=wea', ['--package=weather']],
    ['call lookup --package wi', ['wiki']],
    ['update --acc', ['--accept']],
    ['update --accept --acc', []],
    ['install x --grant a --gr', ['--grant']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['search weather', []],
    ['xyzzy ', []],
    [
      'list --',
      [
        '--json',
        '--yes',
        '--no-input',
        '--quiet',
        '--no-progress',
        '--verbose',
        '--dry-run',
        '--directory',
        '--offline',
        '--trust-project',
        '--registry',
        '--local',
        '--user',
        '--help',
      ],
    ],
  ])('after `dash %s`', async ([line, expected]) => {
    const { read } = await withPackages();
    expect((await values(line, read)).toSorted()).toEqual(expected.toSorted());
  });

  test.for<[string, boolean]>([
    ['install ', true],
    ['inspect ', true],
    ['-C ', true],
    ['remove ', false],
    ['update --to ', false],
    ['', false],
  ])('after `dash %s` files: %s', async ([line, files]) => {
    expect((await complete(line.split(' '), nothing)).files).toBe(files);
  });

  test('every option of every command', async () => {
    for (const { name } of COMMANDS) expect(await values(`${name} --`), name).toEqual(expect.arrayContaining(['--json', '--help']));
  });

  test('nothing that would move the cursor', async () => {
    const { read } = await withPackages();
    const [weather] = await read();
    if (weather === undefined) throw new Error('weather is not installed');
    const hostile = { ...weather, name: 'we\u001B[2Jx', description: 'a\nb\u202Ec' };
    expect((await complete(['remove', ''], () => Promise.resolve([hostile, weather]))).values).toEqual([{ value: 'weather', about: expect.any(String) }]);
  });
});

/** `dash` on the PATH, as the scripts call it. */
async function onPath() {
  const { site } = await withPackages();
  const bin = join(await realpath(await temporaryDirectory()), 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'dash'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  await chmod(join(bin, 'dash'), 0o755);
  const env = { ...environment({ home: site.workspace, dashHome: site.dashHome }), PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  return { env, cwd: site.workspace, dashHome: site.dashHome };
}

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

describe.skipIf(!has('bash'))(`in bash${has('bash') ? '' : ' (skipped: bash is not installed)'}`, () => {
  /** What readline would show: the function that is registered is called the way bash calls it. */
  async function tab(line: string) {
    const { env, cwd } = await onPath();
    const script = `
      source <(dash completion bash)
      [[ "$(complete -p dash)" == *"-F _dash dash" && "$(complete -p dash-agent)" == *"-F _dash dash-agent" ]] || exit 3
      compopt() { files=default; }
      COMP_LINE=$1 COMP_POINT=\${#1}
      _dash dash
      printf '%s\\n' "\${COMPREPLY[@]}"
      echo "files:$files"`;
    const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', line], { env, cwd, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout.split('\n').filter((one) => one !== '');
  }

  test.for<[string, readonly string[]]>([
    ['dash ins', ['install', 'inspect', 'files:']],
    ['dash remove w', ['weather', 'wiki', 'files:']],
    ['dash install ', ['files:default']],
    ['dash   permissions   grant weather u', ['ui:notify', 'files:']],
    // bash breaks the word at the colon and replaces what stands behind it
    ['dash permissions grant weather ui:n', ['notify', 'files:']],
    ['dash call --package=wi', ['wiki', 'files:']],
    ['dash xyzzy ', ['files:']],
  ])('`%s`', async ([line, expected]) => {
    expect((await tab(line)).toSorted()).toEqual(expected.toSorted());
  });
});

describe.skipIf(!has('zsh'))(`in zsh${has('zsh') ? '' : ' (skipped: zsh is not installed)'}`, () => {
  test('asks for what fits, with the words as they were typed', async () => {
    const { env, cwd } = await onPath();
    const script = `
      compdef() { print "registered $*"; }
      _describe() { print -l -- "\${(@P)2}"; }
      _files() { print files; }
      eval "$(dash completion zsh)"
      words=(dash remove w) CURRENT=3
      _dash
      words=(dash install '') CURRENT=3
      _dash`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { env, cwd, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual(['registered _dash dash dash-agent', 'weather:1.0.0 the weather', 'wiki:1.0.0 the wiki', 'files']);
  });
});

describe.skipIf(!has('fish'))(`in fish${has('fish') ? '' : ' (skipped: fish is not installed)'}`, () => {
  test('offers what fits', async () => {
    const { env, cwd } = await onPath();
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', 'dash completion fish | source; complete -C "dash remove w"; complete -C "dash ins"'], {
      env,
      cwd,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0]),
    ).toEqual(['weather', 'wiki', 'inspect', 'install']);
  });
});

describe('`dash completion`', () => {
  test('prints the script of a shell, and knows three', async () => {
    const { env, cwd } = await onPath();
    const run = (...args: readonly string[]) => spawnSync(process.execPath, [BIN, ...args], { env, cwd, encoding: 'utf8' });
    for (const shell of SHELLS) expect(run('completion', shell)).toMatchObject({ status: 0, stdout: COMPLETION_SCRIPTS[shell], stderr: '' });
    expect(run('completion', 'fis')).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean `dash completion fish`?') });
  });

  test('stays silent when the state is damaged: a shell that completes is not disturbed', async () => {
    const { env, cwd, dashHome } = await onPath();
    await writeFile(join(dashHome, 'state', 'current'), 'damaged');
    expect(spawnSync(process.execPath, [BIN, '__complete', '--', 'remove', ''], { env, cwd, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });
});
