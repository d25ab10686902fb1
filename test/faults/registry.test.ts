import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Fault, FAULTS, otherHost, spoil } from '../support/faulty-registry.ts';
import type { FixtureRegistry } from '../support/npm-registry.ts';
import { assertInvariant, assertLoads, stateOf, surroundingsOf } from './invariant.ts';
import { ACTIONS, copySite, done, makeSite, type Site, siteAt, startFixtureRegistry } from './site.ts';

const PACKUMENT = '/tool';
const ARCHIVE = '/tool/-/tool-1.0.0.tgz';
/** So that what is too slow is so in half a second. */
const IMPATIENT = { npm_config_fetch_timeout: '500' };

interface Row {
  readonly fault: string;
  readonly path: typeof PACKUMENT | typeof ARCHIVE;
  readonly with: Fault;
  /** `undefined` where the install succeeds all the same. */
  readonly code?: string;
  readonly hint?: RegExp;
  readonly env?: Readonly<Record<string, string>>;
}

const both = (row: Omit<Row, 'path'>): Row[] => [
  { ...row, path: PACKUMENT },
  { ...row, path: ARCHIVE },
];

const ROWS: readonly Row[] = [
  ...both({ fault: 'answers 500, then as it should', with: FAULTS.status(500, 2) }),
  ...both({ fault: 'answers 429 and asks for a second', with: FAULTS.status(429, 1, { 'retry-after': '1' }) }),
  ...both({ fault: 'answers 429 and asks for an hour', with: FAULTS.status(429, 99, { 'retry-after': '3600' }), code: 'REGISTRY_ERROR', hint: /3600 s/ }),
  ...both({ fault: 'answers 503 for ever', with: FAULTS.status(503, 99), code: 'REGISTRY_ERROR', hint: /try again later/ }),
  ...both({ fault: 'never answers', with: FAULTS.silence, code: 'REGISTRY_ERROR', hint: /fetch-timeout/, env: IMPATIENT }),
  ...both({ fault: 'stalls after the headers', with: FAULTS.stall, code: 'REGISTRY_ERROR', hint: /fetch-timeout/, env: IMPATIENT }),
  ...both({ fault: 'sends a byte at a time', with: FAULTS.drip(200, 1), code: 'REGISTRY_ERROR', hint: /fetch-timeout/, env: IMPATIENT }),
  {
    fault: 'never comes to an end',
    path: ARCHIVE,
    with: FAULTS.drip(20, 20),
    code: 'REGISTRY_ERROR',
    hint: /fetch-timeout/,
    env: { npm_config_fetch_timeout: '100' },
  },
  ...both({ fault: 'breaks the connection in the middle, once', with: FAULTS.reset(1) }),
  ...both({ fault: 'breaks the connection in the middle, always', with: FAULTS.reset(99), code: 'REGISTRY_ERROR', hint: /network/ }),
  { fault: 'sends half of it', path: PACKUMENT, with: FAULTS.truncate, code: 'REGISTRY_REPLY_INVALID', hint: /registry/ },
  { fault: 'sends half of it', path: ARCHIVE, with: FAULTS.truncate, code: 'INTEGRITY_MISMATCH', hint: /try again/ },
  { fault: 'sends other bytes', path: ARCHIVE, with: FAULTS.flipBit, code: 'INTEGRITY_MISMATCH', hint: /do not install/ },
  { fault: 'sends a web page', path: PACKUMENT, with: FAULTS.html, code: 'REGISTRY_REPLY_INVALID', hint: /\.npmrc/ },
  { fault: 'sends a web page', path: ARCHIVE, with: FAULTS.html, code: 'INTEGRITY_MISMATCH', hint: /try again/ },
  { fault: 'redirects in a circle', path: PACKUMENT, with: FAULTS.redirect(PACKUMENT), code: 'REGISTRY_ERROR', hint: /\.npmrc/ },
  { fault: 'redirects in a circle', path: ARCHIVE, with: FAULTS.redirect(ARCHIVE), code: 'REGISTRY_ERROR', hint: /\.npmrc/ },
  ...both({ fault: 'redirects to a file', with: FAULTS.redirect('file:///etc/passwd'), code: 'REGISTRY_ERROR', hint: /\.npmrc/ }),
  {
    fault: 'gives no `dist`',
    path: PACKUMENT,
    with: FAULTS.saying((text) => text.replaceAll('"dist":', '"other":')),
    code: 'REGISTRY_REPLY_INVALID',
    hint: /\.npmrc/,
  },
  {
    fault: 'gives no integrity',
    path: PACKUMENT,
    with: FAULTS.saying((text) => text.replaceAll('"integrity":', '"other":')),
    code: 'INTEGRITY_MISSING',
    hint: /publish/,
  },
  {
    fault: 'gives another integrity',
    path: PACKUMENT,
    with: FAULTS.saying((text) => text.replaceAll(/sha512-..../g, 'sha512-AAAA')),
    code: 'INTEGRITY_MISMATCH',
    hint: /try again/,
  },
  {
    fault: 'gives no time',
    path: PACKUMENT,
    with: FAULTS.saying((text) => text.replaceAll('"time":', '"other":')),
    code: 'RELEASE_TOO_YOUNG',
    hint: /min-age/,
  },
  {
    fault: 'does not know the version yet',
    path: PACKUMENT,
    with: FAULTS.saying((text) => text.replaceAll('1.0.0', '0.9.0')),
    code: 'VERSION_NOT_FOUND',
    hint: /0\.9\.0/,
  },
];

const INSTALL = ['install', 'npm:tool@1.0.0', '--grant', 'summary'];

async function begin(): Promise<{ readonly registry: FixtureRegistry; readonly site: Site; readonly after: Awaited<ReturnType<typeof stateOf>> }> {
  const registry = await startFixtureRegistry();
  const site = await makeSite(registry.url);
  await ACTIONS[0]?.prepare(site, registry);
  const whole = await copySite(site);
  await done(whole, ...INSTALL);
  return { registry, site, after: await stateOf(whole) };
}

describe('a registry that', () => {
  it.each(ROWS)('$fault, for $path, is named or borne, and the next install does not suffer from it', async ({ path, with: fault, code, hint, env = {} }) => {
    const { registry, site, after } = await begin();
    const [before, surroundings] = [await stateOf(site), surroundingsOf(site)];
    const mend = await spoil(registry, path, fault);
    const { exitCode, stdout } = await siteAt(site.root, { env }).dash(...INSTALL);
    mend();
    if (code === undefined) expect(exitCode, stdout).toBe(0);
    else expect(JSON.parse(stdout)).toMatchObject({ error: { code, hint: expect.stringMatching(hint ?? /./) } });
    await assertInvariant(site, { before, after, surroundings, exitCode, output: stdout, args: INSTALL });
  });

  it('redirects to another host is followed there without the token', async () => {
    const { registry, site } = await begin();
    const archive = Buffer.from(await (await fetch(new URL(ARCHIVE, registry.url))).arrayBuffer());
    const other = await otherHost(archive);
    await spoil(registry, ARCHIVE, FAULTS.redirect(other.url));
    const host = new URL(registry.url).host;
    await done(siteAt(site.root, { env: { [`npm_config_//${host}/:_authToken`]: 'secret' } }), ...INSTALL);
    expect(registry.authorizations.at(-1)).toBe('Bearer secret');
    expect(other.authorizations).toEqual([undefined]);
  });

  it('publishes a version again is not believed, by name or by lock', async () => {
    const { registry, site } = await begin();
    await done(site, ...INSTALL);
    const before = await stateOf(site);
    registry.publish({
      name: 'tool',
      version: '1.0.0',
      manifest: { dash: { skills: ['skills/*'] } },
      files: { 'skills/a/SKILL.md': '---\nname: a\ndescription: b\n---\n' },
    });
    const again = await site.dash(...INSTALL);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'INTEGRITY_MISMATCH', hint: expect.stringContaining('dash remove tool') } });
    expect(await stateOf(site)).toEqual(before);
    await rm(join(site.dashHome, 'store'), { recursive: true });
    const restored = await site.dash('install');
    expect(JSON.parse(restored.stdout)).toMatchObject({ error: { code: 'LOCK_TAMPERED' } });
    expect(await stateOf(site)).toEqual(before);
  });

  it('is down is not missed while the store is warm', async () => {
    const { registry, site } = await begin();
    await done(site, ...INSTALL);
    const after = await stateOf(site);
    await rm(join(site.dashHome, 'state'), { recursive: true });
    const asked = registry.requests.length;
    registry.handle('*', (_, response) => response.socket?.destroy());
    await done(site, 'install', '--frozen', '--grant', 'summary');
    expect(registry.requests).toHaveLength(asked);
    expect(await stateOf(site)).toMatchObject({ packages: after.packages, lock: after.lock });
    await assertLoads(site);
  });
});
