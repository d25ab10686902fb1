import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { formatPermissionSet, parsePermission } from '../../format/index.ts';
import {
  addGrants,
  chooseProfile,
  type ConsentPlan,
  isDelegated,
  makeGrants,
  openGrantBook,
  readGrants,
  readInstalled,
  revokeGrants,
  unusedGrants,
  update,
} from '../../registry/index.ts';
import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { extensionPackage, makeSite } from '../registry/install-fixture.ts';
import { startJourney } from '../support/journey.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KEY = 'npm:pkg';
const DAY_MS = 24 * 60 * 60_000;
const NOW = new Date('2026-11-21T12:00:00.000Z');
const git = promisify(execFile);

async function makeHome() {
  const root = await temporaryDirectory();
  const [home, project] = [join(root, 'home'), join(root, 'project')];
  await mkdir(project);
  const grant = async (permissions: readonly string[], at = NOW, dir = project, mode: 'named' | 'asked' | 'summary' = 'named') =>
    addGrants(home, KEY, await makeGrants(permissions.map(parsePermission), { mode, by: 'test', at: at.toISOString() }, dir));
  const held = async (now = NOW, dir = project) => formatPermissionSet(await readGrants(home, KEY, dir, now));
  return { root, home, project, grant, held };
}

const grants = async (site: { readonly dashHome: string; readonly workspace: string }): Promise<string[]> => {
  const [pkg] = await readInstalled({ dashHome: site.dashHome });
  return formatPermissionSet(await readGrants(site.dashHome, pkg?.grantKey ?? '', site.workspace));
};

test('eight processes that write at the same time lose nothing of each other', async () => {
  const { home, project } = await makeHome();
  const program = (index: number) => `
    import { addGrants, makeGrants } from ${JSON.stringify(new URL('../../registry/index.ts', import.meta.url).href)};
    import { parsePermission } from ${JSON.stringify(new URL('../../format/index.ts', import.meta.url).href)};
    for (let round = 0; round < 3; round++) {
      const permissions = [parsePermission('env:NAME_${index}_' + round)];
      await addGrants(${JSON.stringify(home)}, ${JSON.stringify(KEY)}, await makeGrants(permissions, { mode: 'named', by: 'test', at: new Date().toISOString() }, ${JSON.stringify(project)}));
    }`;
  const codes = await Promise.all(
    Array.from(
      { length: 8 },
      (_, index) =>
        new Promise<number | null>((resolve) =>
          spawn(process.execPath, ['--input-type=module', '-e', program(index)], { stdio: 'inherit' }).on('close', resolve),
        ),
    ),
  );
  expect(codes).toEqual(Array.from({ length: 8 }, () => 0));
  const all = Array.from({ length: 8 }, (_, index) => [0, 1, 2].map((round) => `env:NAME_${index}_${round}`)).flat();
  expect(formatPermissionSet(await readGrants(home, KEY, project)).toSorted()).toEqual(all.toSorted());
  expect((await stat(join(home, 'grants.json'))).mode & 0o777).toBe(0o600);

  // the control arm: read, change and write without a lock keeps the last one's only
  const naive = join(home, 'naive.json');
  await writeFile(naive, '[]');
  const seen = await Promise.all(Array.from({ length: 8 }, async () => JSON.parse(await readFile(naive, 'utf8')) as number[]));
  for (const [index, before] of seen.entries()) await writeFile(naive, JSON.stringify([...before, index]));
  expect(JSON.parse(await readFile(naive, 'utf8'))).toEqual([7]);
});

describe('a grant for `./`', () => {
  test('holds in no other project: not in a copy, not in one that took its place, not in another clone in the same directory', async () => {
    const { root, project, grant, held } = await makeHome();
    await git('git', ['init', '-q', project]);
    await grant(['fs:read:./src', 'exec:git', 'net:api.example.com']);
    // the control arm
    expect(await held()).toEqual(['exec:git', 'fs:read:./src', 'net:api.example.com']);

    await cp(project, join(root, 'copy'), { recursive: true });
    expect(await held(NOW, join(root, 'copy'))).toEqual(['net:api.example.com']);

    await rename(join(project, '.git'), join(root, 'git-of-before'));
    await git('git', ['init', '-q', project]);
    expect(await held()).toEqual(['net:api.example.com']);

    await rm(join(project, '.git'), { recursive: true });
    await rename(join(root, 'git-of-before'), join(project, '.git'));
    expect(await held()).toEqual(['exec:git', 'fs:read:./src', 'net:api.example.com']);

    await rename(project, join(root, 'moved'));
    await mkdir(project);
    expect(await held()).toEqual(['net:api.example.com']);
  });

  test('survives what happens to a repository every day', async () => {
    const { project, grant, held } = await makeHome();
    const at = ['-C', project, '-c', 'user.name=a', '-c', 'user.email=a@example.com'];
    await git('git', ['init', '-q', project]);
    await grant(['fs:read:./src']);
    await writeFile(join(project, 'a'), 'a');
    await git('git', [...at, 'add', '.']);
    await git('git', [...at, 'commit', '-qm', 'a']);
    await git('git', [...at, 'checkout', '-qb', 'other']);
    await git('git', [...at, 'gc', '-q']);
    expect(await held()).toEqual(['fs:read:./src']);
  });
});

describe('time', () => {
  test('a dangerous grant that nobody used for thirty days is asked for again; others stay', async () => {
    const { home, project, grant, held } = await makeHome();
    await grant(['fs:read:~/notes', 'fs:read:~/music', 'net:api.example.com', '!env:SECRET_KEY']);
    const book = await openGrantBook(home, project, () => new Date(NOW.getTime() + 20 * DAY_MS));
    book.of(KEY).used('fs:read:~/music');
    const after = (days: number) => held(new Date(NOW.getTime() + days * DAY_MS));
    expect(await after(30)).toEqual(['!env:SECRET_KEY', 'fs:read:~/music', 'fs:read:~/notes', 'net:api.example.com']);
    expect(await after(31)).toEqual(['!env:SECRET_KEY', 'fs:read:~/music', 'net:api.example.com']);
    expect(await after(52)).toEqual(['!env:SECRET_KEY', 'net:api.example.com']);
    const unused = await unusedGrants(home, KEY, new Date(NOW.getTime() + 40 * DAY_MS));
    expect(unused).toEqual([{ permission: 'fs:read:~/notes', days: 40 }, { permission: 'net:api.example.com', days: 40 }]); // prettier-ignore
  });

  test('what was tried for a day ends in the middle of a run', async () => {
    const { home, project } = await makeHome();
    const details = { mode: 'summary', by: 'test', at: NOW.toISOString(), expires: new Date(NOW.getTime() + DAY_MS).toISOString() } as const;
    await addGrants(home, KEY, await makeGrants([parsePermission('net:api.example.com')], details, project));
    let now = NOW;
    const book = await openGrantBook(home, project, () => now);
    expect(formatPermissionSet(book.of(KEY).granted())).toEqual(['net:api.example.com']);
    now = new Date(NOW.getTime() + DAY_MS);
    expect(formatPermissionSet(book.of(KEY).granted())).toEqual([]);
  });

  test('a grant file that is damaged while an agent runs grants nothing, and a mended one grants again', async () => {
    const { home, project, grant } = await makeHome();
    await grant(['net:api.example.com']);
    const page = (await openGrantBook(home, project, () => NOW)).of(KEY);
    const good = await readFile(join(home, 'grants.json'));
    expect(formatPermissionSet(page.granted())).toEqual(['net:api.example.com']);
    await writeFile(join(home, 'grants.json'), '{"version": 1, "grants": {"npm:pkg": [{}]}}');
    expect(formatPermissionSet(page.granted())).toEqual([]);
    await writeFile(join(home, 'grants.json'), good);
    expect(formatPermissionSet(page.granted())).toEqual(['net:api.example.com']);
    await rm(join(home, 'grants.json'));
    expect(formatPermissionSet(page.granted())).toEqual([]);
  });
});

test('an answer for this session is in memory only, and one for this project in this project only', async () => {
  const { root, home, project } = await makeHome();
  await mkdir(join(root, 'other'));
  const page = (await openGrantBook(home, project)).of(KEY);
  page.allowForSession([parsePermission('net:session.example.com')]);
  await page.allowInProject([parsePermission('net:project.example.com')], '1.0.0');
  expect(formatPermissionSet(page.granted())).toEqual(['net:project.example.com', 'net:session.example.com']);
  expect(formatPermissionSet(await readGrants(home, KEY, project))).toEqual(['net:project.example.com']);
  expect(formatPermissionSet(await readGrants(home, KEY, join(root, 'other')))).toEqual([]);
  // a denial of another process wins over both
  await addGrants(home, KEY, await makeGrants([parsePermission('!net:session.example.com')], { mode: 'named', by: 'test', at: NOW.toISOString() }, project));
  expect(formatPermissionSet(page.granted())).toContain('!net:session.example.com');
});

describe('profiles', () => {
  const PERMISSIONS = ['ui:notify', 'fs:write:./out', 'net:api.example.com', 'secret:TOKEN@api.example.com'];
  const withPackage = async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { permissions: PERMISSIONS }));
    return makeSite({ registry: registry.url });
  };

  test('open grants what is asked for, strict asks for everything later, locked grants nothing and takes no flag', async () => {
    const open = await withPackage();
    await chooseProfile(open.dashHome, 'open');
    await open.install('pkg');
    expect(await grants(open)).toEqual(PERMISSIONS.toSorted());

    const strict = await withPackage();
    await chooseProfile(strict.dashHome, 'strict');
    const report = await strict.install('pkg');
    expect(await grants(strict)).toEqual(['ui:notify']);
    expect(report.ungranted[0]?.permissions).toHaveLength(3);

    const locked = await withPackage();
    await chooseProfile(locked.dashHome, 'locked');
    const yes = { ask: async () => ({ kind: 'install' as const }) };
    await expect(locked.install('pkg', { consentPort: yes })).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    await expect(locked.install('pkg', { grant: ['summary'] })).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    await expect(
      addGrants(locked.dashHome, KEY, await makeGrants([parsePermission('env:LANG')], { mode: 'named', by: 'test', at: '' }, locked.workspace)),
    ).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });

    // the control arm: the default asks once
    const balanced = await withPackage();
    const plans: ConsentPlan[] = [];
    await balanced.install('pkg', { consentPort: { ask: async (plan) => (plans.push(plan), { kind: 'install' }) } });
    expect(plans[0]?.packages[0]?.summary.map(({ permission }) => permission)).toEqual(['fs:write:./out', 'net:api.example.com']);
  });

  test('tried for a day: the permissions end, the package stays', async () => {
    const site = await withPackage();
    await site.install('pkg', { now: NOW, minAgeMs: 0, consentPort: { ask: async () => ({ kind: 'try' }) } });
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    const at = async (now: Date) => formatPermissionSet(await readGrants(site.dashHome, pkg?.grantKey ?? '', site.workspace, now));
    expect(await at(NOW)).toEqual(['fs:write:./out', 'net:api.example.com', 'ui:notify']);
    expect(await at(new Date(NOW.getTime() + DAY_MS))).toEqual(['ui:notify']);
  });

  test('no file of a repository chooses one, grants, or takes a denial back', async () => {
    const site = await withPackage();
    const files = {
      '.dash/settings.json': '{"profile": "open"}',
      '.dash/grants.json': '{"version": 1, "grants": {"npm:pkg": [{"permission": "net:api.example.com", "mode": "named", "by": "x", "at": "2026-01-01"}]}}',
      'settings.json': '{"profile": "open"}',
      '.env': 'DASH_PROFILE=open\nDASH_POLICY=./policy.json\n',
      'policy.json': '{"version": 1, "grants": {"npm:pkg": ["net:api.example.com"]}}',
      'dash.config.json': '{"profile": "open"}',
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(site.workspace, path, '..'), { recursive: true });
      await writeFile(join(site.workspace, path), text);
    }
    await expect(site.install('pkg')).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    await site.install('pkg', { deny: ['net:api.example.com', 'fs:write:./out'] });
    expect(await grants(site)).toEqual(['!fs:write:./out', '!net:api.example.com', 'ui:notify']);
    // the control arm: the same words in the user's own settings do choose
    await writeFile(join(site.dashHome, 'settings.json'), files['.dash/settings.json']);
    await revokeGrants(site.dashHome, (await readInstalled({ dashHome: site.dashHome }))[0]?.grantKey ?? '');
    await site.install('pkg');
    expect(await grants(site)).toEqual(PERMISSIONS.toSorted());
  });
});

test('an update that takes a denial of its own back waits for the user', async () => {
  const registry = await startNpmRegistry(extensionPackage('pkg', { permissions: ['fs:read:./src', '!fs:read:./src/private', 'ui:notify'] }));
  const site = await makeSite({ registry: registry.url });
  await site.install('pkg');
  registry.publish(extensionPackage('pkg', { version: '1.1.0', permissions: ['fs:read:./src', 'ui:notify'] }));
  const report = await update([], { ...(await site.context({ minAgeMs: 0 })), accept: false, dryRun: false, to: undefined, grant: [], deny: [] });
  expect(report.held).toMatchObject([{ name: 'pkg', to: '1.1.0' }]);
  expect(await site.installed()).toEqual({ pkg: '1.0.0' });
  // the control arm: one that changes nothing of the kind goes through
  registry.publish(extensionPackage('pkg', { version: '1.2.0', permissions: ['fs:read:./src', '!fs:read:./src/private', 'ui:notify'] }));
  await update([], { ...(await site.context({ minAgeMs: 0 })), accept: false, dryRun: false, to: undefined, grant: [], deny: [] });
  expect(await site.installed()).toEqual({ pkg: '1.2.0' });
});

describe('an agent that would grant to itself', () => {
  test.runIf(process.platform === 'linux')('is recognised when it strips its environment, and when it is no shell at all', async () => {
    const { user, workspace, dash, publish, install } = await startJourney();
    await publish('pkg', 'export default () => {};', ['ui:notify']);
    await install('pkg');
    const words = [process.execPath, BIN, 'permissions', 'grant', 'pkg', 'net:evil.example.com', '--json'].map((word) => `'${word}'`).join(' ');
    const bare = `env -i PATH="$PATH" HOME='${user.home}' DASH_HOME='${user.dashHome}'`;
    const asTool = { ...environment(user), DASH_TOOL_PROCESS: '1' };
    for (const command of [
      words,
      `${bare} ${words}; true`,
      `unset DASH_TOOL_PROCESS; ${words}; true`,
      `${bare} sh -c "${words.replaceAll('"', '\\"')}; true"; true`,
    ]) {
      const { stdout } = await run('bash', ['-c', command], { cwd: workspace, env: asTool });
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DELEGATED_CONSENT' } });
    }
    // the control arm: the same command of a person
    const { exitCode } = await dash('permissions', 'grant', 'pkg', 'net:good.example.com');
    expect(exitCode).toBe(0);
  });

  test.runIf(process.platform === 'linux')('is recognised by the bash tool of a real agent that execs itself away', async () => {
    const { host, publish, install, user } = await startJourney();
    await publish('pkg', 'export default () => {};', ['ui:notify']);
    await install('pkg');
    const grant = `'${process.execPath}' '${BIN}' permissions grant pkg net:evil.example.com --json`;
    const command = `exec env -i PATH="$PATH" HOME='${user.home}' DASH_HOME='${user.dashHome}' ${grant}`;
    const session = await host([{ toolCalls: [{ name: 'bash', arguments: { command } }] }, {}], '--approve', 'all');
    await session.send({ type: 'prompt', message: 'go' });
    const ended = await session.wait(({ type }) => type === 'tool_execution_end');
    expect(JSON.stringify(ended)).toContain('DELEGATED_CONSENT');
    await session.close();
  });

  test('a person with a shell that is called dash is no agent', async () => {
    const proc = await temporaryDirectory();
    const put = async (pid: string, parent: number, command: readonly string[], env: readonly string[] = []) => {
      await mkdir(join(proc, pid), { recursive: true });
      await writeFile(join(proc, pid, 'stat'), `${pid} (a) b ) S ${parent} 0 0`);
      await writeFile(join(proc, pid, 'cmdline'), `${command.join('\0')}\0`);
      await writeFile(join(proc, pid, 'environ'), `${env.join('\0')}\0`);
    };
    await put('self', 30, ['node', '/usr/bin/dash', 'install']);
    await put('30', 20, ['/bin/dash', '-c', 'dash install']);
    await put('20', 10, ['node', '/usr/lib/npm/bin/npm-cli.js'], ['DASH_TOOL_PROCESS=']);
    await put('10', 1, ['dash', 'dash.js']);
    expect(isDelegated({}, proc)).toBe(false);
    for (const agent of [
      ['node', '/usr/bin/dash'],
      ['/opt/node24', '--max-old-space-size=1', '/x/bin/dash.js', '--mode', 'rpc'],
    ]) {
      // prettier-ignore
      await put('10', 1, agent);
      expect(isDelegated({}, proc)).toBe(true);
    }
    await put('10', 10, ['bash']);
    expect(isDelegated({}, proc)).toBe(false); // a loop has an end
    await put('20', 10, ['bash'], ['A=1', 'DASH_TOOL_PROCESS=1']);
    expect(isDelegated({}, proc)).toBe(true);
    expect(isDelegated({ DASH_TOOL_PROCESS: '1' }, '/nowhere')).toBe(true);
  });
});
