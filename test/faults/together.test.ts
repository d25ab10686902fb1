import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readInstalled, verifyStore } from '../../registry/index.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { assertLoads } from './invariant.ts';
import { makeSite } from './site.ts';

const NAMES = Array.from({ length: 8 }, (_, at) => `skill-${at}`);

async function begin() {
  const { url } = await startNpmRegistry(
    ...NAMES.map((name) => ({
      name,
      manifest: { dash: { skills: ['skills/*'] } },
      files: { 'skills/a/SKILL.md': `---\nname: ${name}\ndescription: does ${name}\n---\nDo.\n` },
    })),
  );
  return makeSite(url);
}

describe('eight installs at once', () => {
  it('in one project are all done, one after the other', async () => {
    const site = await begin();
    const results = await Promise.all(NAMES.map((name) => site.dash('install', `npm:${name}`, '--local', '--grant', 'summary')));
    expect(results.map(({ exitCode, stdout }) => [exitCode, exitCode === 0 ? '' : stdout])).toEqual(NAMES.map(() => [0, '']));
    const installed = await readInstalled({ dashHome: site.dashHome, projectDir: site.workspace });
    expect(installed.map(({ name }) => name).toSorted()).toEqual(NAMES);
    await assertLoads(site);
    await verifyStore({ dashHome: site.dashHome, scope: { kind: 'project', dir: site.workspace } });
  });

  it('in eight projects of one home are all done', async () => {
    const site = await begin();
    const projects = NAMES.map((name) => ({ dir: join(site.workspace, name), names: [...new Set(['skill-0', name])] }));
    for (const { dir } of projects) await mkdir(dir);
    const results = await Promise.all(
      projects.map(({ dir, names }) => site.dash('install', ...names.map((name) => `npm:${name}`), '--local', '-C', dir, '--grant', 'summary')),
    );
    expect(results.map(({ exitCode, stdout }) => [exitCode, exitCode === 0 ? '' : stdout])).toEqual(NAMES.map(() => [0, '']));
    for (const { dir, names } of projects) {
      expect((await readInstalled({ dashHome: site.dashHome, projectDir: dir })).map(({ name }) => name).toSorted()).toEqual(names);
      await verifyStore({ dashHome: site.dashHome, scope: { kind: 'project', dir } });
    }
  });

  it('of everything, with removals and collections between them, leave a whole state', async () => {
    const site = await begin();
    for (const name of NAMES.slice(0, 4)) expect(await site.dash('install', `npm:${name}`, '--grant', 'summary')).toMatchObject({ exitCode: 0 });
    const tasks = [...NAMES.slice(4).map((name) => ['install', `npm:${name}`, '--grant', 'summary']), ['remove', 'skill-0'], ['gc'], ['install'], ['gc']];
    const results = await Promise.all(tasks.map((args) => site.dash(...args)));
    expect(results.map(({ exitCode, stdout }) => [exitCode, exitCode === 0 ? '' : stdout])).toEqual(tasks.map(() => [0, '']));
    expect((await readInstalled({ dashHome: site.dashHome })).map(({ name }) => name).toSorted()).toEqual(NAMES.slice(1));
    await assertLoads(site);
    await verifyStore({ dashHome: site.dashHome, scope: { kind: 'user' } });
  });
});
