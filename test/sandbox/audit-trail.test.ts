import { appendFile, chmod, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditTrail, readAuditTrails } from '../../sandbox/index.ts';
import { temporaryDirectory } from '../support/sandbox-fixture.ts';

const decision = (target: string, decided: 'allow' | 'deny' = 'allow') =>
  ({ 'event.name': 'decision', 'dash.package': 'p', capability: 'fs.readFile', target, decision: decided, rule: 'fs:read' }) as const;

async function written() {
  const directory = await temporaryDirectory();
  const trail = new AuditTrail(join(directory.path, 'audit'));
  for (const target of ['/a', '/b', '/c']) trail.append(decision(target));
  trail[Symbol.dispose]();
  return { directory: join(directory.path, 'audit'), file: trail.file, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

describe('AuditTrail', () => {
  test('writes a chain that only its owner can read', async () => {
    await using trail = await written();
    const [file] = readAuditTrails(trail.directory);
    expect(file?.brokenAt).toBeUndefined();
    expect(file?.records.map((record) => record.target ?? record['event.name'])).toEqual(['trail.start', '/a', '/b', '/c']);
    expect((await stat(trail.file)).mode & 0o777).toBe(0o600);
    expect((await stat(trail.directory)).mode & 0o777).toBe(0o700);
  });

  test('the head is the hash of the newest line', async () => {
    await using directory = await temporaryDirectory();
    using trail = new AuditTrail(directory.path);
    trail.append(decision('/x'));
    expect(readAuditTrails(directory.path)[0]?.records.at(-1)?.hash).toBe(trail.head);
  });

  const tamper: Record<string, (lines: string[]) => string[]> = {
    'a changed record': (lines) => lines.map((line) => line.replace('"/b"', '"/x"')),
    'a changed decision': (lines) => lines.map((line) => line.replace('"allow"', '"deny"')),
    'a removed record': (lines) => lines.filter((line) => !line.includes('"/b"')),
    'two exchanged records': ([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest],
    'a repeated record': (lines) => lines.flatMap((line) => (line.includes('"/b"') ? [line, line] : [line])),
    'an inserted record': ([first = '', ...rest]) => [first, JSON.stringify({ ...decision('/forged'), hash: 'f'.repeat(64) }), ...rest],
    'a removed start': ([, ...rest]) => rest,
    'garbage in the middle': ([first = '', ...rest]) => [first, '{"event.name":', ...rest],
  };
  test.each(Object.keys(tamper))('shows %s', async (name) => {
    await using trail = await written();
    const lines = (await readFile(trail.file, 'utf8')).trimEnd().split('\n');
    await writeFile(trail.file, `${tamper[name]?.(lines).join('\n')}\n`);
    expect(readAuditTrails(trail.directory)[0]?.brokenAt).toBeGreaterThan(0);
  });

  test('leaves out the torn last line of a crash', async () => {
    await using trail = await written();
    await truncate(trail.file, (await stat(trail.file)).size - 20);
    const [file] = readAuditTrails(trail.directory);
    expect(file?.records.map(({ target }) => target)).toEqual([undefined, '/a', '/b']);
    expect(file?.brokenAt).toBeUndefined();
  });

  test('does not take a line without its end for whole, even when it can be read', async () => {
    await using trail = await written();
    await appendFile(trail.file, '{"torn":');
    const [file] = readAuditTrails(trail.directory);
    expect(file?.records).toHaveLength(4);
    expect(file?.brokenAt).toBeUndefined();
  });

  test('a later trail names the heads of the earlier ones, so that a missing file is seen', async () => {
    await using directory = await temporaryDirectory();
    let second = 0;
    const now = (): Date => new Date(1_700_000_000_000 + 1_000 * second++);
    const first = new AuditTrail(directory.path, now);
    first.append(decision('/a'));
    first[Symbol.dispose]();
    const later = new AuditTrail(directory.path, now);
    later[Symbol.dispose]();
    const [, start] = readAuditTrails(directory.path);
    expect(Object.values(start?.records[0]?.heads ?? {})).toEqual([first.head]);
  });

  test('counts a flood of one decision instead of writing it', async () => {
    await using directory = await temporaryDirectory();
    const trail = new AuditTrail(directory.path);
    for (let index = 0; index < 10_000; index++) trail.append(decision('/a', 'deny'));
    trail[Symbol.dispose]();
    const records = readAuditTrails(directory.path)[0]?.records ?? [];
    expect(records.length).toBeLessThan(100);
    const denied = records.filter(({ target }) => target === '/a');
    expect(denied.reduce((sum, { repeated = 1 }) => sum + repeated, 0)).toBe(10_000);
  });

  test('never mixes an allowed record into the count of a denied one', async () => {
    await using directory = await temporaryDirectory();
    const trail = new AuditTrail(directory.path);
    for (let index = 0; index < 100; index++) trail.append(decision('/a', 'deny'));
    trail.append(decision('/a', 'allow'));
    trail[Symbol.dispose]();
    expect(readAuditTrails(directory.path)[0]?.records.filter(({ decision }) => decision === 'allow')).toHaveLength(1);
  });

  test('keeps a target with line breaks on one line', async () => {
    await using directory = await temporaryDirectory();
    using trail = new AuditTrail(directory.path);
    const forged = `/a\n{"event.name":"decision","decision":"allow"}\n`;
    trail.append(decision(forged));
    const [file] = readAuditTrails(directory.path);
    expect(file?.records).toHaveLength(2);
    expect(file?.records[1]?.target).toBe(forged);
  });

  test('never shares a file with another one of the same millisecond', async () => {
    await using directory = await temporaryDirectory();
    const now = (): Date => new Date(0);
    using first = new AuditTrail(directory.path, now);
    using second = new AuditTrail(directory.path, now);
    const names = [first, second].map(({ file }) => file.split('/').at(-1));
    expect(await readdir(directory.path)).toEqual(names);
    expect(new Set(names).size).toBe(2);
  });

  test('says that it cannot be written', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'file'), '');
    await chmod(join(directory.path, 'file'), 0o400);
    expect(() => new AuditTrail(join(directory.path, 'file/audit'))).toThrow(expect.objectContaining({ code: 'AUDIT_UNWRITABLE' }));
  });
});
