import { describe, expect, it } from 'vitest';

import { why } from '../../registry/index.ts';
import { makeGitRepository } from '../support/git-repository.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { extensionPackage, makeSite, type Site } from './install-fixture.ts';

const ask = (site: Site, name: string) => why(name, { dashHome: site.dashHome, projectDir: site.workspace });

async function withPackages() {
  const registry = await startNpmRegistry(
    { ...extensionPackage('a', { dependencies: { mid: '1' }, permissions: ['net:api.example.com', 'ui:notify'] }), time: '2026-01-01T00:00:00.000Z' },
    { ...extensionPackage('b', { dependencies: { deep: '1' } }) },
    { name: 'mid', manifest: { dependencies: { deep: '1' } } },
    { name: 'deep' },
  );
  const site = await makeSite({ registry: registry.url });
  await site.install('a', { grant: ['net:api.example.com'], deny: ['ui:notify'], now: new Date('2026-01-11T00:00:00.000Z') });
  await site.install('b', { scope: { kind: 'project', dir: site.workspace } });
  return { registry, site };
}

describe('why', () => {
  it('tells who asked for a package, what let it in, and who granted what and when', async () => {
    const { site } = await withPackages();
    expect(await ask(site, 'a')).toEqual({
      name: 'a',
      broughtBy: [{ scope: 'user', spec: 'npm:a', path: ['a@1.0.0'] }],
      since: '2026-01-11T00:00:00.000Z',
      letIn: [
        { code: 'TYPED', message: '`npm:a` was asked for' },
        { code: 'AGE', message: 'it was published on 2026-01-01, 10 days before it was let in' },
        { code: 'INTEGRITY', message: expect.stringContaining('sha512-') },
      ],
      grants: [
        expect.objectContaining({ permission: 'net:api.example.com', by: 'dash install', at: '2026-01-11T00:00:00.000Z', version: '1.0.0' }),
        expect.objectContaining({ permission: '!ui:notify', by: 'dash install' }),
      ],
    });
  });

  it('counts from the moment these bytes came, not from the last change of others', async () => {
    const { registry, site } = await withPackages();
    registry.publish(extensionPackage('c'));
    await site.install('c');
    expect((await ask(site, 'npm:a')).since).toBe('2026-01-11T00:00:00.000Z');
  });

  it('tells by which ways a dependency came, in every scope', async () => {
    const { site } = await withPackages();
    const { broughtBy, letIn, grants } = await ask(site, 'deep');
    expect(broughtBy).toEqual([
      { scope: 'project', spec: 'npm:b', path: ['b@1.0.0', 'deep@1.0.0'] },
      { scope: 'user', spec: 'npm:a', path: ['a@1.0.0', 'mid@1.0.0', 'deep@1.0.0'] },
    ]);
    expect([letIn, grants]).toEqual([[], []]);
  });

  it('tells of a package from git by its commit', async () => {
    const repository = await makeGitRepository({
      'package.json': JSON.stringify({ name: 'kit', version: '1.0.0', dash: { extensions: ['i.ts'] } }),
      'i.ts': '',
    });
    const site = await makeSite();
    await site.install(`git:${repository.dir}`);
    expect((await ask(site, 'kit')).letIn).toContainEqual({
      code: 'INTEGRITY',
      message: `its files hash to commit \`${repository.git('rev-parse', 'HEAD')}\``,
    });
  });

  it('refuses what is not there, and suggests what may be meant', async () => {
    const { site } = await withPackages();
    await expect(ask(site, 'deeep')).rejects.toMatchObject({ code: 'NOT_INSTALLED', hint: 'did you mean `deep`?' });
  });
});
