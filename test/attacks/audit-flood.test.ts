import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditTrail, readAuditTrails } from '../../sandbox/index.ts';
import { temporaryDirectory } from '../support/sandbox-fixture.ts';

/** Each denial is a line on the disk. A package without any grant must not fill the disk with them. */
const ATTEMPTS = 30_000;
const LONG = `${'a'.repeat(200)}/`.repeat(18);

const denial = (target: string) =>
  ({ 'event.name': 'decision', 'dash.package': 'flooder', capability: 'fs.readFile', target, decision: 'deny', permission: `fs:read:${target}` }) as const;

async function sizeOf(directory: string): Promise<number> {
  const sizes = await Promise.all((await readdir(directory)).map((name) => stat(join(directory, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

describe('a flood of decisions, each about something else', () => {
  test('control: the same lines one by one are far more than what is kept', () => {
    expect(JSON.stringify(denial(`/x/${LONG}`)).length * ATTEMPTS).toBeGreaterThan(200 * 1024 * 1024);
  });

  test('is counted beyond a budget, and the chain holds', async () => {
    await using directory = await temporaryDirectory();
    {
      using trail = new AuditTrail(directory.path);
      for (let index = 0; index < ATTEMPTS; index++) trail.append(denial(`/x/${index}/${LONG}`));
    }
    expect(await sizeOf(directory.path)).toBeLessThan(40 * 1024 * 1024);
    const [file] = readAuditTrails(directory.path);
    expect(file?.brokenAt).toBeUndefined();
    const records = file?.records ?? [];
    const counted = records.reduce((sum, { target, repeated = 0 }) => sum + (target === undefined ? 0 : repeated === 0 ? 1 : repeated), 0);
    expect(counted).toBe(ATTEMPTS); // nothing is lost but what each was about
    expect(records.some(({ target }) => target === '(various)')).toBe(true);
  });

  test('leaves the lines of other packages whole', async () => {
    await using directory = await temporaryDirectory();
    {
      using trail = new AuditTrail(directory.path);
      for (let index = 0; index < ATTEMPTS; index++) trail.append(denial(`/${index}`));
      trail.append({ ...denial('/quiet'), 'dash.package': 'quiet' });
    }
    expect(readAuditTrails(directory.path)[0]?.records.find((record) => record['dash.package'] === 'quiet')?.target).toBe('/quiet');
  });
});
