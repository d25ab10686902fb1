import { describe, expect, it } from 'vitest';

import type { CompiledEntry, Inference } from '../../format/index.ts';
import { type ConsentPlan, list, update } from '../../registry/index.ts';
import { requestsOf, type Requesting } from '../../registry/requests.ts';
import { type PublishedVersion, startNpmRegistry } from '../support/npm-registry.ts';
import { extensionPackage, makeSite, type Site } from './install-fixture.ts';

const EVIDENCE = { what: 'fetch', where: { path: 'index.ts', line: 3 } };

function inference(permissions: readonly string[], dependency?: string): Inference {
  const evidence = [{ ...EVIDENCE, ...(dependency !== undefined && { dependency }) }];
  return { permissions: permissions.map((permission) => ({ permission, evidence, places: 1 })), computed: [] };
}

function requesting(declared: readonly string[], inferred: readonly (Inference | undefined)[]): Requesting {
  const entry: CompiledEntry = { entry: 'index.ts', code: '', codeBytes: 0, map: '', parts: [], unsupported: [] };
  return {
    permissions: declared.map((permission) => ({ permission })),
    optionalPermissions: [],
    compiled: { entries: inferred.map((one) => (one === undefined ? entry : { ...entry, inferred: one })) },
  };
}

const texts = (of: Requesting): string[] => requestsOf(of).map(({ permission }) => permission);

describe('what a package is asked for', () => {
  it('is what it declares, whatever its code needs', () => {
    expect(texts(requesting(['fs:read'], [inference(['net:a.example.com'])]))).toEqual(['fs:read']);
  });

  it('is what its code was seen to need when it declares nothing, with the places', () => {
    expect(requestsOf(requesting([], [inference(['net:a.example.com']), inference(['fs:read'])]))).toEqual([
      { permission: 'fs:read', inferred: { evidence: [EVIDENCE], places: 1 } },
      { permission: 'net:a.example.com', inferred: { evidence: [EVIDENCE], places: 1 } },
    ]);
  });

  it('is nothing as long as one of its entries was not read', () => {
    expect(texts(requesting([], [inference(['net:a.example.com']), undefined]))).toEqual([]);
  });

  it('leaves out what every package may do', () => {
    expect(texts(requesting([], [inference(['fs:write:tmp:/', 'ui:notify', 'ui:prompt'])]))).toEqual(['ui:prompt']);
  });

  it('leaves out the ordinary variables that libraries look at', () => {
    expect(texts(requesting([], [inference(['env:DEBUG', 'env:DEP_TOKEN', 'net:a.example.com'], 'dep@1.0.0')]))).toEqual([
      'env:DEP_TOKEN',
      'net:a.example.com',
    ]);
    expect(texts(requesting([], [inference(['env:DEBUG'])]))).toEqual(['env:DEBUG']);
  });
});

describe('an install of a package that declares nothing', () => {
  const needing = (version: string, ...permissions: readonly string[]) =>
    extensionPackage('pkg', { version, source: `// tool:x ${permissions.map((permission) => `needs:${permission}`).join(' ')}\nexport default () => {};\n` });
  const granted = async (site: Site): Promise<readonly string[] | undefined> => (await list(site))[0]?.permissions.granted;

  async function siteWith(...versions: readonly PublishedVersion[]) {
    const registry = await startNpmRegistry(...versions);
    return { registry, site: await makeSite({ registry: registry.url }) };
  }

  it('asks what its code was seen to need, marked as inferred, with the places', async () => {
    const { site } = await siteWith(needing('1.0.0', 'net:a.example.com', 'fs:read', 'tools:intercept', 'ui:prompt'));
    const plans: ConsentPlan[] = [];
    await site.install('pkg', { consentPort: { ask: async (plan) => (plans.push(plan), { kind: 'install' }) } });
    const inferred = { evidence: [{ what: 'needs', where: { path: 'index.ts', line: 1 } }], places: 1 };
    expect(plans[0]?.packages).toMatchObject([
      {
        summary: [
          { permission: 'fs:read', inferred },
          { permission: 'net:a.example.com', inferred },
        ],
        quiet: [{ permission: 'ui:prompt', inferred }],
        later: [{ permission: 'tools:intercept', inferred }],
      },
    ]);
    expect(await granted(site)).toEqual(['fs:read', 'net:a.example.com', 'ui:prompt']);
  });

  it('grants nothing but what is quiet where nobody can be asked, and says what waits', async () => {
    const { site } = await siteWith(needing('1.0.0', 'net:a.example.com', 'ui:prompt'));
    const { ungranted } = await site.install('pkg');
    expect(ungranted).toMatchObject([{ name: 'pkg', permissions: [{ permission: 'net:a.example.com' }] }]);
    expect(await granted(site)).toEqual(['ui:prompt']);
    await site.install('pkg', { grant: ['summary'] });
    expect(await granted(site)).toEqual(['net:a.example.com', 'ui:prompt']);
  });

  it('is held when its next version needs a host that the last one did not', async () => {
    const { site } = await siteWith(
      needing('1.0.0', 'net:a.example.com'),
      needing('1.1.0', 'net:a.example.com'),
      needing('1.2.0', 'net:b.example.com', 'exec:git'),
    );
    await site.install('pkg@1.0.0', { grant: ['summary'] });
    await site.install('pkg@^1.0.0 <1.2.0', { grant: ['summary'] });
    const report = await update(['pkg'], { ...(await site.context()), to: '1.2.0' });
    expect(report.held).toMatchObject([
      {
        name: 'pkg',
        to: '1.2.0',
        reasons: expect.arrayContaining([
          { code: 'NEW_HOST', message: 'it now asks for `net:b.example.com`' },
          { code: 'NEW_COMMAND', message: 'it now asks for `exec:git`' },
        ]),
        permissionDiff: { added: ['exec:git', 'net:b.example.com'], removed: ['net:a.example.com'] },
      },
    ]);
  });
});
