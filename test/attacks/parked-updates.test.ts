import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { isDashError } from '../../format/index.ts';
import { collectGarbage, list, update, type UpdateContext, verifyStore, waiting } from '../../registry/index.ts';
import { extensionPackage, makeSite, type Site } from '../registry/install-fixture.ts';
import { type FixtureRegistry, startNpmRegistry } from '../support/npm-registry.ts';

/** A version that asks for more lies in the store and waits: what may become of its bytes until the user says yes. */
interface Held {
  readonly registry: FixtureRegistry;
  readonly site: Site;
  /** The root of what waits, in the store. */
  readonly tree: string;
  /** The pack of its dependency. */
  readonly pack: string;
}

const NEXT = extensionPackage('pkg', { version: '1.1.0', permissions: ['net:api.example.com'], dependencies: { dep: '1' } });

async function held(): Promise<Held> {
  const registry = await startNpmRegistry(extensionPackage('pkg', { permissions: ['ui:notify'] }), {
    name: 'dep',
    files: { 'index.js': 'module.exports = 1;' },
  });
  const site = await makeSite({ registry: registry.url });
  await site.install('pkg');
  registry.publish(NEXT);
  await run(site);
  const [parked] = await waits(site);
  const packs = join(site.dashHome, 'store/v1/packs');
  const [name = ''] = await readdir(packs);
  registry.requests.length = 0;
  return { registry, site, tree: parked?.review.trees.to ?? '', pack: join(packs, name) };
}

const run = async (site: Site, options: Partial<UpdateContext> = {}) => update([], { ...(await site.context()), ...options });
const accept = (site: Site) => run(site, { accept: true, grant: ['summary'] });
const waits = (site: Site) => waiting(site.dashHome, [{ kind: 'user' }]);
const gc = ({ dashHome }: Site) => collectGarbage({ dashHome, now: new Date(Date.now() + 2 * 3_600_000) });
const verify = ({ dashHome }: Site) => verifyStore({ dashHome, scope: { kind: 'user' } });

async function overwrite(path: string, text: string): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, text);
}

describe('the bytes of an update that waits', () => {
  const attacks: readonly (readonly [string, (held: Held) => Promise<void>])[] = [
    ['code was written into its tree', ({ tree }) => overwrite(join(tree, 'index.ts'), '// tool:evil\n')],
    [
      'another manifest was written into its tree',
      ({ tree }) =>
        overwrite(join(tree, 'package.json'), JSON.stringify({ ...NEXT.manifest, name: 'pkg', version: '1.1.0', dash: { extensions: ['index.ts'] } })),
    ],
    ['a file was added to its tree', ({ tree }) => writeFile(join(tree, 'more.ts'), '')],
    ['its listing was written anew', ({ tree }) => overwrite(join(tree, '../files.sha256'), `${'0'.repeat(64)}  index.ts\n`)],
    ['code was written into the pack of its dependency', ({ pack }) => overwrite(pack, 'module.exports = evil')],
  ];

  it.each(attacks)('are brought again from the registry when %s, also after `dash gc`', async (_, attack) => {
    const scene = await held();
    await attack(scene);
    await gc(scene.site);
    expect(await accept(scene.site)).toMatchObject({ updated: [{ version: '1.1.0' }] });
    expect(scene.registry.requests).toHaveLength(1);
    const [pkg] = await list({ dashHome: scene.site.dashHome, workspace: scene.site.workspace });
    expect(pkg?.permissions.granted).toContain('net:api.example.com');
    await verify(scene.site);
  });

  it.each(attacks)('are not replaced by what the registry says now when %s', async (_, attack) => {
    const scene = await held();
    scene.registry.publish({ ...NEXT, files: { 'index.ts': '// tool:evil\n' } }, { name: 'dep', files: { 'index.js': 'module.exports = "evil";' } });
    await attack(scene);
    await expect(accept(scene.site)).rejects.toMatchObject({ code: 'INTEGRITY_MISMATCH', hint: expect.any(String) });
    expect(await scene.site.installed()).toEqual({ pkg: '1.0.0' });
    await verify(scene.site);
  });

  it('are no way in for who installs that version by name: it is asked about as ever', async () => {
    const { site } = await held();
    await expect(site.install('pkg@1.1.0')).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });
  });
});

describe('an update that somebody was shown', () => {
  const yes = { ask: () => Promise.resolve({ kind: 'install' } as const) };
  const take = async ({ site, registry }: Held, options: Partial<UpdateContext>) => {
    const [shown] = await waits(site);
    // between the look and the yes: the note is gone, and the version is another one
    await rm(join(site.dashHome, 'state/parked.json'));
    registry.publish({ ...NEXT, files: { 'index.ts': '// tool:evil\n' } });
    return { shown, done: update(['pkg'], { ...(await site.context()), accept: true, to: '1.1.0', consentPort: yes, ...options }) };
  };

  it('control: by its version alone, another one is taken in its place', async () => {
    const scene = await held();
    const { shown, done } = await take(scene, {});
    await done;
    const [pkg] = await list({ dashHome: scene.site.dashHome, workspace: scene.site.workspace });
    expect(pkg).toMatchObject({ version: '1.1.0' });
    expect(shown?.review.trees.to).toBeDefined();
    expect(shown?.review.trees.to).not.toContain(pkg?.source.treeSha256);
  });

  it('is taken as it was shown, or not at all', async () => {
    const scene = await held();
    const [before] = await waits(scene.site);
    const { done } = await take(scene, { shown: (one) => JSON.stringify(one) === JSON.stringify(before) });
    await expect(done).rejects.toMatchObject({ code: 'UPDATE_CHANGED' });
    expect(await scene.site.installed()).toEqual({ pkg: '1.0.0' });
  });
});

describe('the note of an update that waits', () => {
  it('is forgotten with any bit of it flipped, and found anew', async () => {
    const { site } = await held();
    const path = join(site.dashHome, 'state/parked.json');
    const whole = await readFile(path);
    const step = Math.ceil(whole.length / 60);
    for (let at = 0; at < whole.length; at += step) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      await writeFile(path, bytes);
      // white space and the like are no harm
      const found = await waits(site);
      if (found.length > 0) expect(found).toMatchObject([{ name: 'pkg', to: '1.1.0', permissionDiff: { added: ['net:api.example.com'] } }]);
      else await expect(accept(site)).rejects.toSatisfy((error) => isDashError(error, 'USAGE'));
    }
    await gc(site);
    expect(await run(site)).toMatchObject({ held: [{ to: '1.1.0', permissionDiff: { added: ['net:api.example.com'] } }] });
    expect(await accept(site)).toMatchObject({ updated: [{ version: '1.1.0' }] });
  });

  it.each([
    ['nothing in it', '{"version":3,"updates":[{"name":"pkg"}]}'],
    ['a name that every object has', '{"version":3,"updates":[{"name":"__proto__"}]}'],
    ['the form of an older Dash', '{"version":2,"updates":[]}'],
  ])('with %s keeps nobody from collecting garbage or looking again', async (_, text) => {
    const { site } = await held();
    await rm(join(site.dashHome, 'store/v1/packs'), { recursive: true });
    await writeFile(join(site.dashHome, 'state/parked.json'), text);
    expect(await waits(site)).toEqual([]);
    await gc(site);
    expect(await run(site)).toMatchObject({ held: [{ to: '1.1.0' }] });
  });
});
