import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import type { Json } from '../../scripts/demo/rpc-session.ts';
import { osLayer } from '../../sandbox/os-layer/index.ts';
import { type Journey, startJourney } from '../support/journey.ts';

const EXAMPLES = join(import.meta.dirname, '../../node_modules/@earendil-works/pi-coding-agent/examples/extensions');

/**
 * A package that declares nothing, from what its code was seen to need to what it was denied, and what the trail says of
 * it afterwards: with the real program.
 */
const source = (url: string): string => `
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
const BASE = '${url}';
const tool = (pi, name, run) => pi.registerTool({ name, description: name, parameters: { type: 'object' }, execute: async (id, params, signal, update, ctx) => ({ content: [{ type: 'text', text: String(await run(params, ctx)) }] }) });
export default function (pi) {
  tool(pi, 'note', (params, ctx) => readFileSync(join(ctx.cwd, 'notes', params.name), 'utf8'));
  tool(pi, 'save', () => writeFileSync('out/report.txt', 'done') ?? 'saved');
  tool(pi, 'ask', async () => (await fetch(\`\${BASE}/answer\`)).text());
  tool(pi, 'elsewhere', async (params) => (await fetch(params.url)).text());
  tool(pi, 'outside', () => readFileSync('/etc/hostname', 'utf8'));
}
`;

interface Scene extends Journey {
  readonly url: string;
  json(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly document: Json }>;
}

async function withPackage(): Promise<Scene> {
  const server = createServer((_request, response) => response.end('forty-two'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const journey = await startJourney();
  await mkdir(join(journey.workspace, 'notes'));
  await mkdir(join(journey.workspace, 'out'));
  await writeFile(join(journey.workspace, 'notes', 'a.txt'), 'a note');
  await journey.publish('helper', source(url));
  const json: Scene['json'] = async (...args) => {
    const { exitCode, stdout } = await journey.dash(...args, '--json');
    return { exitCode, document: JSON.parse(stdout) as Json };
  };
  return { ...journey, url, json };
}

const ofTool = ({ document }: Awaited<ReturnType<Journey['call']>>): unknown => document.result?.content[0]?.text;

describe('a package that declares nothing', () => {
  it('is granted what its code needs, denied the rest, and the trail tells both', async () => {
    const scene = await withPackage();
    const host = scene.url.replace('http://', 'net:');
    const { document: inspected } = await scene.json('inspect', 'npm:helper');
    expect(inspected.permissions).toMatchObject({
      declared: [],
      inferred: [
        { permission: 'fs:read:./notes', atMost: true, evidence: [{ what: 'fs.readFileSync', where: { path: 'index.ts', line: 7 } }] },
        { permission: 'fs:read:/etc/hostname', level: 'one-by-one' },
        { permission: 'fs:write:./out/report.txt', level: 'summary', evidence: [{ what: 'fs.writeFileSync', where: { path: 'index.ts', line: 8 } }] },
        { permission: host, level: 'summary', evidence: [{ what: 'fetch', where: { path: 'index.ts', line: 9 } }] },
      ],
      computed: [{ subject: 'host', what: 'fetch', where: { path: 'index.ts', line: 10 } }],
    });

    await scene.install('helper', 'summary');
    expect(ofTool(await scene.call('helper', 'note', { name: 'a.txt' }))).toBe('a note');
    expect(ofTool(await scene.call('helper', 'save', {}))).toBe('saved');
    expect(ofTool(await scene.call('helper', 'ask', {}))).toBe('forty-two');
    const [elsewhere, outside] = [await scene.call('helper', 'elsewhere', { url: 'https://other.example.com/' }), await scene.call('helper', 'outside', {})];
    expect(elsewhere.document.denials).toMatchObject([{ permission: 'net:other.example.com' }]);
    expect(outside.document.denials).toMatchObject([{ permission: 'fs:read:/etc/hostname' }]);

    expect((await scene.json('why', 'helper')).document.denials).toMatchObject([
      { permission: 'fs:read:/etc/hostname' },
      { permission: 'net:other.example.com' },
    ]);
    const { document: listed } = await scene.json('permissions', 'list', 'helper');
    expect(listed).toMatchObject({
      packages: [
        {
          inferred: expect.arrayContaining([{ permission: host, seenAt: expect.stringMatching(/^fetch at .*:\d+/) }]),
          computed: expect.arrayContaining(['host']),
        },
      ],
    });
    const { stdout: shown } = await scene.dash('permissions', 'list', 'helper');
    expect(shown).toContain('seen in its code: fetch at');
    expect(shown).toMatch(/decides while it runs, and is asked for when it happens: .*host/);

    const { document: used } = await scene.json('permissions', '--used', 'helper');
    expect(used.packages).toMatchObject([
      {
        permissions: [
          { permission: 'fs:read:./notes', uses: 1, narrower: ['fs:read:./notes/a.txt'] },
          { permission: 'fs:write:./out/report.txt', uses: 1 },
          { permission: host, uses: 1 },
        ],
        commands: ['dash permissions grant helper fs:read:./notes/a.txt', 'dash permissions revoke helper fs:read:./notes'],
      },
    ]);
    const { stdout: review } = await scene.dash('permissions', 'diff', 'helper', 'npm:helper', '--format', 'md');
    expect(review).toBe('### Permissions: helper@1.0.0 (read from its code) → helper@1.0.0 (read from its code)\n\nNothing changes in what is allowed.\n');

    // a run of the agent names the trail's newest line in its session
    const host1 = await scene.host([{ toolCalls: [{ name: 'note', arguments: { name: 'a.txt' } }] }, { text: 'done' }]);
    await host1.run('read my note');
    expect(await host1.close()).toBe(0);
    const sound = await scene.json('audit', 'verify');
    expect(sound).toMatchObject({ exitCode: 0, document: { intact: true, faults: [], anchors: 1 } });

    const directory = join(scene.user.dashHome, 'audit');
    const newest = join(directory, (await readdir(directory)).toSorted().at(-1) ?? '');
    const lines = (await readFile(newest, 'utf8')).trimEnd().split('\n');
    await writeFile(newest, `${lines.slice(0, 1).join('\n')}\n`);
    expect(await scene.json('audit', 'verify')).toMatchObject({ exitCode: 5, document: { intact: false, faults: [{ kind: 'shortened' }] } });
  });
});

const layer = await osLayer();

/** pi's own tools, drawn anew by an example of pi's: `read`, `write`, `edit` and `bash` over files and programs. */
describe.skipIf(layer.kind !== 'live')('an extension that runs programs (skipped where the probe of `dash sandbox layers` fails)', () => {
  it('runs them with what its code was seen to need, and no further', async () => {
    const journey = await startJourney();
    await writeFile(join(journey.workspace, 'a.txt'), 'a note\n');
    await writeFile(join(journey.workspace, '.env'), 'KEY=x\n');
    await journey.publish('tools', await readFile(join(EXAMPLES, 'built-in-tool-renderer.ts'), 'utf8'));
    await journey.install('tools', 'summary');
    const { stdout } = await journey.dash('permissions', 'list', 'tools', '--json');
    expect((JSON.parse(stdout) as { packages: { permissions: { granted: string[] } }[] }).packages[0]?.permissions.granted).toEqual([
      'exec:bash',
      'fs:read',
      'fs:write',
    ]);

    expect(ofTool(await journey.call('tools', 'bash', { command: 'cat a.txt; cat .env /etc/shadow; echo more > b.txt' }))).toMatch(
      /^a note\n(?=[^]*\.env: Permission denied)(?=[^]*\/etc\/shadow: )(?![^]*KEY=)/,
    );
    expect(await readFile(join(journey.workspace, 'b.txt'), 'utf8')).toBe('more\n');
    const write = (path: string) => journey.call('tools', 'write', { path, content: 'x' });
    expect(ofTool(await write('c.txt'))).toMatch(/c\.txt/);
    expect((await write('package.json')).document.denials).toMatchObject([{ permission: 'fs:write:./package.json', rule: 'protected path' }]);
    const { document } = await journey.call('tools', 'read', { path: '/etc/hostname' });
    expect(document.denials).toContainEqual(expect.objectContaining({ permission: 'fs:read:/etc/hostname', rule: 'no grant' }));
  });
});
