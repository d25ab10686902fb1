import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { formatPermissionSet, parsePermission } from '../../format/index.ts';
import { addGrants, type GrantDetails, listGrants, makeGrants, readGrants, revokeGrants } from '../../registry/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const details: GrantDetails = { mode: 'asked', by: 'test', at: new Date().toISOString() };
const KEY = 'npm:pkg';

async function makeHome() {
  const home = join(await temporaryDirectory(), 'dash');
  const project = await temporaryDirectory();
  const grant = async (texts: readonly string[], more: Partial<GrantDetails> = {}, dir = project) =>
    addGrants(home, KEY, await makeGrants(texts.map(parsePermission), { ...details, ...more }, dir));
  const held = async (dir = project, now?: Date, key = KEY) => formatPermissionSet(await readGrants(home, key, dir, now));
  return { home, project, grant, held };
}

describe('grants', () => {
  it('are nothing until they are given, and belong to one package', async () => {
    const { project, grant, held } = await makeHome();
    expect(await held()).toEqual([]);
    await grant(['net:api.example.com', 'env:LANG']);
    expect(await held()).toEqual(['env:LANG', 'net:api.example.com']);
    expect(await held(project, undefined, 'npm:pkg of https://other.example.com/')).toEqual([]);
  });

  it('for the workspace and for programs hold in one project, not in one that took its place', async () => {
    const { project, grant, held } = await makeHome();
    await grant(['fs:read', 'fs:write:./out', 'fs:read:~/notes', 'exec:git', 'net:api.example.com']);
    expect(await held()).toEqual(['exec:git', 'fs:read', 'fs:read:~/notes', 'fs:write:./out', 'net:api.example.com']);
    expect(await held(await temporaryDirectory())).toEqual(['fs:read:~/notes', 'net:api.example.com']);
    await rename(project, `${project}-moved`);
    await mkdir(project);
    expect(await held()).toEqual(['fs:read:~/notes', 'net:api.example.com']);
  });

  it('end when they expire', async () => {
    const { project, grant, held } = await makeHome();
    await grant(['net:api.example.com'], { at: '2026-05-30T00:00:00.000Z', expires: '2026-06-01T00:00:00.000Z' });
    expect(await held(project, new Date('2026-05-31'))).toEqual(['net:api.example.com']);
    expect(await held(project, new Date('2026-06-02'))).toEqual([]);
  });

  it('and denials of the same permission replace each other', async () => {
    const { home, grant, held } = await makeHome();
    await grant(['net:api.example.com']);
    await grant(['!net:api.example.com']);
    expect(await held()).toEqual(['!net:api.example.com']);
    await grant(['net:api.example.com']);
    expect(await held()).toEqual(['net:api.example.com']);
    expect(await listGrants(home, KEY)).toHaveLength(1);
  });

  it('are taken back one by one or all', async () => {
    const { home, grant, held } = await makeHome();
    await grant(['net:a.example.com', 'net:b.example.com', 'env:LANG']);
    expect(await revokeGrants(home, KEY, ['env:LANG'])).toMatchObject([{ permission: 'env:LANG', by: 'test' }]);
    expect(await held()).toEqual(['net:a.example.com', 'net:b.example.com']);
    await revokeGrants(home, KEY);
    expect(await held()).toEqual([]);
  });

  it('given at the same time are all kept', async () => {
    const { grant, held } = await makeHome();
    const names = Array.from({ length: 12 }, (_, index) => `env:NAME_${index}`);
    await Promise.all(names.map((name) => grant([name])));
    expect(await held()).toEqual(names.toSorted());
  });

  it('cannot be given from inside a tool of an agent', async () => {
    const { grant, held } = await makeHome();
    vi.stubEnv('DASH_TOOL_PROCESS', '1');
    try {
      await expect(grant(['env:LANG'])).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(await held()).toEqual([]);
  });

  it.each([
    '',
    '{',
    '[]',
    '{"version":2,"grants":{}}',
    '{"version":1,"grants":{"npm:pkg":[{"permission":"fs:read"}]}}',
    '{"version":1,"grants":{"npm:pkg":{}}}',
  ])('that cannot be read grant nothing: `%s`', async (text) => {
    const { home, grant, held } = await makeHome();
    await mkdir(home);
    await writeFile(join(home, 'grants.json'), text);
    await expect(held()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(grant(['env:LANG'])).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await readFile(join(home, 'grants.json'), 'utf8')).toBe(text);
  });
});
