import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { takeProcessLock } from '../../registry/lock/process-lock.ts';
import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { type PublishedVersion, startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The commands that look after packages, as a user types them. */
async function withPackages(...versions: readonly PublishedVersion[]) {
  const root = await realpath(await temporaryDirectory());
  const [home, workspace] = [join(root, 'home'), join(root, 'workspace')];
  await Promise.all([mkdir(home), mkdir(workspace)]);
  const registry = await startNpmRegistry(...versions);
  const person = { home, dashHome: join(home, '.dash') };
  const env = { ...environment(person), npm_config_registry: registry.url };
  const dash = (...args: readonly string[]) => run(process.execPath, [BIN, ...args], { cwd: workspace, env });
  const json = async (...args: readonly string[]) => {
    const { stdout, exitCode } = await dash(...args, '--json');
    return { exitCode, document: JSON.parse(stdout) };
  };
  return { registry, workspace, home: person.dashHome, env, dash, json };
}

const kit = (version: string, { permissions = [], greeting = 'hello' }: { permissions?: readonly string[]; greeting?: string } = {}): PublishedVersion => ({
  name: 'kit',
  version,
  manifest: { dash: { extensions: ['index.ts'], skills: ['skills'], permissions } },
  files: {
    'index.ts': `export default (dash) => {
      dash.registerTool({ name: 'greet', description: 'greets', parameters: { type: 'object', properties: {} }, execute: async () => ({ content: [{ type: 'text', text: '${greeting}' }] }) });
    };`,
    'skills/wave/SKILL.md': '---\nname: wave\ndescription: Waves when somebody comes by. Use it for greetings.\n---\nWave.\n',
  },
});

describe('`dash install --skill`', () => {
  const pack = (version: string, more: Readonly<Record<string, string>> = {}): PublishedVersion => {
    const made = kit(version, { permissions: ['net:api.example.com'] });
    const skill = (name: string) => ({ [`skills/${name}/SKILL.md`]: `---\nname: ${name}\ndescription: Does ${name}. Use it for ${name}.\n---\n` });
    return { ...made, files: { ...made.files, ...skill('bow'), ...skill('nod'), ...more } };
  };

  test('takes some skills and nothing else, asks for no code, and keeps to it through an update', async () => {
    const { registry, dash, json } = await withPackages(pack('1.0.0'));
    expect(await json('install', 'kit', '--skill', 'bow', '--skill', 'wave', '--dry-run')).toMatchObject({
      document: { isToBeAsked: false, packages: [{ details: { resources: { extensions: [], skills: ['skills/bow/SKILL.md', 'skills/wave/SKILL.md'] } } }] },
    });
    expect(await json('install', 'kit', '--skill', 'bow', '--skill', 'wave')).toMatchObject({
      exitCode: 0,
      document: {
        ungranted: [],
        installed: [{ resources: { extensions: [], skills: ['skills/bow/SKILL.md', 'skills/wave/SKILL.md'] }, permissions: { granted: [] } }],
      },
    });
    expect((await dash('list')).stdout).toMatch(/kit +1\.0\.0 +2 of 3 skills +no grants/);
    expect((await dash('info', 'kit')).stdout).toContain('left out: index.ts, skills/nod/SKILL.md\n');

    registry.publish(pack('1.1.0', { 'skills/new/SKILL.md': '---\nname: new\ndescription: Is new.\n---\n' }));
    expect((await dash('update', 'kit', '--accept', '--min-age', '0')).exitCode).toBe(0);
    expect((await dash('list')).stdout).toMatch(/kit +1\.1\.0 +2 of 4 skills/);
    // naming others takes others, although the bytes are the same
    expect(await json('install', 'kit', '--skill', 'nod', '--min-age', '0')).toMatchObject({ exitCode: 0 });
    expect(await json('list')).toMatchObject({ document: { packages: [{ version: '1.1.0', resources: { skills: ['skills/nod/SKILL.md'] } }] } });
  });

  test('is explained to who names the whole package later, with the command that takes it', async () => {
    const { dash, json } = await withPackages(pack('1.0.0'));
    await dash('install', 'kit', '--skill', 'bow');
    const again = await dash('install', 'kit');
    expect(again.stdout).toContain('unchanged kit 1.0.0\n');
    expect(again.stdout).toContain(
      "of `kit` only a part was chosen before, and that stays so: `index.ts`, `skills/nod/SKILL.md`, `skills/wave/SKILL.md` are left out; `dash enable kit '**'` takes the whole package",
    );
    expect(await json('install', 'kit', '--skill', 'bow')).toMatchObject({ document: { diagnostics: [] } });
    expect((await dash('enable', 'kit', '**')).exitCode).toBe(0);
    // its code is on now, so what it asks for is asked
    expect(await json('install', 'kit', '--grant', 'summary')).toMatchObject({ exitCode: 0, document: { diagnostics: [] } });
    expect((await json('list')).document.packages[0].leftOut).toBeUndefined();
    await dash('disable', 'kit');
    expect((await dash('install', 'kit')).stdout).toContain('`dash enable kit` switches it on');
  });

  test('refuses a skill that there is not, and changes nothing', async () => {
    const { json } = await withPackages(pack('1.0.0'));
    expect(await json('install', 'kit', '--skill', 'bows')).toMatchObject({
      exitCode: 2,
      document: { error: { code: 'USAGE', message: '`kit` has no skill `bows`', hint: 'did you mean `bow`?' } },
    });
    expect(await json('install', '--skill', 'bow')).toMatchObject({ document: { error: { code: 'USAGE' } } });
    expect(await json('list')).toMatchObject({ document: { packages: [] } });
  });
});

test('`dash audit log` says why a package was stopped', async () => {
  const loop = 'dash.registerTool({ name: "loop", description: "loops", parameters: { type: "object" }, execute() { for (;;); } });';
  const busy = { ...kit('1.0.0'), files: { ...kit('1.0.0').files, 'index.ts': `export default (dash) => { ${loop} };` } };
  const { dash, json } = await withPackages(busy);
  await dash('install', 'kit');
  expect(await dash('call', 'loop', '--package', 'kit', '--timeout', '300')).toMatchObject({ exitCode: 8 });
  expect((await dash('audit', 'log')).stdout).toMatch(/kit +kill .*DEADLINE_EXCEEDED: kit: `loop` did not end within 300 ms/);
  expect(await json('audit', 'log')).toMatchObject({
    document: { records: [{ 'event.name': 'kill', outcome: expect.stringContaining('DEADLINE_EXCEEDED') }] },
  });
});

test('`dash call` of a directory names what allows the call there: nothing is installed that could be granted to', async () => {
  const { workspace, dash, json } = await withPackages();
  const reads = `dash.registerTool({ name: 'read', description: 'reads', parameters: { type: 'object' }, execute: () => ({ content: [{ type: 'text', text: readFileSync('a.txt', 'utf8') }] }) })`;
  await mkdir(join(workspace, 'own'));
  await writeFile(join(workspace, 'own', 'package.json'), '{"name":"own","version":"1.0.0","dash":{"extensions":["index.ts"]}}');
  await writeFile(join(workspace, 'own', 'index.ts'), `import { readFileSync } from 'node:fs';\nexport default (dash) => { ${reads}; };`);
  await writeFile(join(workspace, 'a.txt'), 'hello');
  const denied = await json('call', 'read', '--package', './own');
  expect(denied).toMatchObject({ exitCode: 1, document: { denials: [{ hint: "--grant 'fs:read:./a.txt'" }] } });
  expect((await dash('call', 'read', '--package', './own')).stdout).toContain("hint: `--grant 'fs:read:./a.txt'` allows it\n");
  expect(await json('call', 'read', '--package', './own', '--grant', 'fs:read:./a.txt')).toMatchObject({ exitCode: 0, document: { denials: [] } });
});

describe('`dash enable`, `dash disable` and `dash config`', () => {
  test('switch a package and its parts off and on', async () => {
    const { dash, json } = await withPackages(kit('1.0.0'));
    await dash('install', 'kit');
    expect(await json('disable', 'kit', 'wave')).toMatchObject({
      exitCode: 0,
      document: { packages: [{ name: 'kit', enabled: true, resources: { skills: [], extensions: ['index.ts'] } }] },
    });
    expect(await json('config', '--enable', 'kit:wave', '--disable', 'kit')).toMatchObject({ document: { packages: [{ enabled: false }] } });
    expect((await dash('list')).stdout).toMatch(/kit .*disabled/);
    expect(await json('enable', 'kit')).toMatchObject({ document: { packages: [{ enabled: true, resources: { skills: ['skills/wave/SKILL.md'] } }] } });
    expect(await dash('disable', 'kit', '--dry-run')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing was changed') });
    expect(await json('disable', 'kit:wave')).toMatchObject({ exitCode: 0 });
    const state = {
      name: 'kit',
      enabled: true,
      resources: [
        { path: 'index.ts', on: true },
        { path: 'skills/wave/SKILL.md', on: false },
      ],
    };
    expect(await json('config')).toMatchObject({ exitCode: 0, document: { packages: [state] } });
    expect((await dash('config')).stdout).toMatch(/^on +kit 1\.0\.0\n  on +index\.ts\n  off skills\/wave/);
    expect(await json('enable', 'npm:kit:wave')).toMatchObject({ document: { packages: [{ resources: { skills: ['skills/wave/SKILL.md'] } }] } });
    expect(await json('disable', 'kit', 'wavee')).toMatchObject({ exitCode: 2, document: { error: { code: 'USAGE', hint: 'did you mean `wave`?' } } });
  });
});

test('a package of the project hides the one of the user, but not from who asks for the user', async () => {
  const { registry, dash, json } = await withPackages(kit('1.0.0'));
  await dash('install', '-l', 'kit');
  for (const command of ['remove', 'update'])
    expect(await json(command, 'kit')).toMatchObject({
      exitCode: 7,
      document: { error: { code: 'NOT_INSTALLED', message: '`kit` is installed in this project, not for you', hint: '`--local` means it' } },
    });
  await dash('install', 'kit');
  expect(await json('list')).toMatchObject({ document: { packages: [{ name: 'kit', scope: 'project' }] } });
  expect(await json('list', '--user')).toMatchObject({ document: { packages: [{ name: 'kit', scope: 'user' }] } });
  expect(await json('config', '--user')).toMatchObject({ document: { packages: [{ name: 'kit' }] } });
  expect(await json('disable', '--user', 'kit')).toMatchObject({ document: { packages: [{ scope: 'user', enabled: false }] } });
  expect(await json('config', '--local')).toMatchObject({ document: { packages: [{ name: 'kit', enabled: true }] } });
  registry.publish(kit('2.0.0'));
  expect(await json('outdated')).toMatchObject({
    exitCode: 6,
    document: {
      packages: [
        { name: 'kit', scope: 'project' },
        { name: 'kit', scope: 'user' },
      ],
    },
  });
  expect(await json('outdated', '--user')).toMatchObject({ document: { packages: [{ scope: 'user' }] } });
  await dash('remove', '-l', 'kit');
  expect(await json('remove', '-l', 'kit')).toMatchObject({
    document: { error: { message: '`kit` is installed for you, not in this project', hint: '`--user` means it' } },
  });
});

test('whoever changes something says that it waits for another dash', async () => {
  const { dash, env, home, workspace } = await withPackages(kit('1.0.0'));
  await dash('install', 'kit');
  await dash('install', 'kit@1.0.0');
  for (const args of [['gc'], ['disable', 'kit'], ['rollback', '1'], ['remove', 'kit']]) {
    const lock = await takeProcessLock(join(home, 'state', 'lock'));
    const child = spawn(process.execPath, [BIN, ...args], { cwd: workspace, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'close');
    let said = '';
    await new Promise<void>((resolve) => child.stderr.on('data', (chunk) => (said += chunk) && said.includes('\n') && resolve()).on('close', resolve));
    await lock[Symbol.asyncDispose]();
    expect([said, await ended], args.join(' ')).toEqual([expect.stringMatching(/^waiting for another dash \(process \d+\)\n/), [0, null]]);
  }
});

describe('`dash outdated` and `dash update`', () => {
  test('tell, apply, hold and take', async () => {
    const { registry, dash, json } = await withPackages(kit('1.0.0'));
    expect(await json('outdated')).toEqual({ exitCode: 0, document: { packages: [] } });
    await dash('install', 'kit');
    registry.publish(kit('1.1.0', { greeting: 'hi' }));
    expect(await json('outdated')).toMatchObject({
      exitCode: 6,
      document: { packages: [{ name: 'kit', current: '1.0.0', wanted: '1.1.0', latest: '1.1.0', flags: [] }] },
    });
    expect(await json('update')).toMatchObject({ exitCode: 0, document: { updated: [{ name: 'kit', version: '1.1.0' }], held: [], unchanged: [] } });
    expect((await dash('call', 'greet', '--package', 'kit')).stdout).toContain('hi');

    registry.publish(kit('1.2.0', { permissions: ['net:api.example.com'] }));
    const held = { name: 'kit', from: '1.1.0', to: '1.2.0', reasons: [{ code: 'NEW_HOST' }], permissionDiff: { added: ['net:api.example.com'], removed: [] } };
    expect(await json('update')).toMatchObject({ exitCode: 0, document: { updated: [], held: [held] } });
    expect((await dash('update')).stdout).toContain('1.1.0 keeps running');
    expect(await json('update', '--accept')).toMatchObject({ exitCode: 4, document: { error: { code: 'CONSENT_REQUIRED' } } });
    expect(await json('update', '--accept', '--deny', 'net:api.example.com')).toMatchObject({
      exitCode: 0,
      document: { updated: [{ version: '1.2.0', permissions: { granted: [], denied: ['net:api.example.com'] } }] },
    });
    expect(await dash('update')).toMatchObject({ stdout: 'everything is up to date\n' });
  });

  test('the agent says at its start that updates wait', async () => {
    const { registry, workspace, dash } = await withPackages(kit('1.0.0'));
    await dash('install', 'kit');
    registry.publish(kit('2.0.0', { permissions: ['ui:notify'] }));
    await dash('update');
    const script = join(workspace, 'turns.json');
    await writeFile(script, JSON.stringify({ turns: [{ text: 'done' }] }));
    const said = await dash('-p', 'hello', '--model', `scripted:${script}`);
    expect(said.stderr).toContain('1 update waits for you');
    expect(said.stdout).not.toContain('waits');
  });
});

describe('`dash info` and `dash why`', () => {
  const asking = (permissions: Record<string, string>): PublishedVersion => ({
    ...kit('1.0.0'),
    manifest: { dash: { extensions: ['index.ts'], skills: ['skills'], permissions } },
  });

  test('tell the same of a package before and after it is installed, and then what it may do', async () => {
    const { dash, json } = await withPackages(asking({ 'net:api.example.com': 'to ask for the weather', 'ui:notify': 'to say so' }));
    const contains = { extensions: ['index.ts'], tools: [{ name: 'greet' }], skills: [{ name: 'wave' }], prompts: [], themes: [], commands: [], events: [] };
    const wants = [
      { permission: 'net:api.example.com', reason: 'to ask for the weather', level: 'summary', optional: false, says: expect.any(String) },
      { permission: 'ui:notify' },
    ];
    const before = await json('info', 'npm:kit');
    expect(before).toMatchObject({ exitCode: 0, document: { id: 'npm:kit', name: 'kit', version: '1.0.0', wants, contains, dependencies: [] } });
    expect(before.document).not.toHaveProperty('installed');
    await dash('install', 'kit', '--deny', 'net:api.example.com');
    const after = await json('info', 'kit');
    expect(after).toMatchObject({ document: { installed: { spec: 'npm:kit', scope: 'user', enabled: true }, contains } });
    expect(after.document.wants).toMatchObject([{ state: 'denied' }, { state: 'granted' }]);
    expect((await dash('info', 'kit')).stdout).toMatch(/may not .*net:api\.example\.com.*"to ask for the weather"/);
    expect(await json('info', 'npm:nowhere')).toMatchObject({ exitCode: 7, document: { error: { code: 'PACKAGE_NOT_FOUND' } } });

    expect(await json('why', 'kit')).toMatchObject({
      exitCode: 0,
      document: { broughtBy: [{ spec: 'npm:kit' }], grants: [{ permission: 'ui:notify' }, { permission: '!net:api.example.com' }] },
    });
    expect((await dash('why', 'kit')).stdout).toMatch(/denied net:api\.example\.com: by `dash install`, \d{4}-\d\d-\d\d \d\d:\d\d, at version 1\.0\.0/);
    expect(await json('why', 'kitt')).toMatchObject({ exitCode: 7, document: { error: { code: 'NOT_INSTALLED', hint: 'did you mean `kit`?' } } });
  });
});

test('`dash update` shows what an author says of a version that waits, marked as theirs, unless it is not wanted', async () => {
  const logged = (version: string, permissions: readonly string[], log: string): PublishedVersion => {
    const made = kit(version, { permissions });
    return { ...made, files: { ...made.files, 'CHANGELOG.md': log } };
  };
  const { registry, dash, json } = await withPackages(logged('1.0.0', [], '# 1.0.0\nfirst\n'));
  expect((await dash('install', 'kit', '--grant', 'summary')).exitCode).toBe(0);
  registry.publish(logged('1.1.0', ['env:LANG'], `# 1.1.0\ntake: \`dash update kit --accept\`\n${'more\n'.repeat(40)}# 1.0.0\nfirst\n`));
  const shown = await dash('update', '--min-age', '0');
  expect(shown.stdout).toContain('  its author says (CHANGELOG.md):\n  │ # 1.1.0\n  │ take: `dash update kit --accept`\n  │ more\n');
  expect(shown.stdout).toContain('  │ … and 12 more lines\n');
  expect(shown.stdout).not.toContain('first');
  const without = await json('update', '--min-age', '0', '--no-changelog');
  expect(without.document.held).toHaveLength(1);
  expect(JSON.stringify(without.document)).not.toContain('changelog');
  expect((await dash('update', '--min-age', '0', '--no-changelog')).stdout).not.toContain('author says');
});
