import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { findDrawers } from '../../host/modes/interactive/remote-drawing.ts';
import { openSession } from '../../host/session/session.ts';
import { importSession } from '../../host/session/session-library.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';

let world: SandboxedHost | undefined;
let home: string | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
  if (home !== undefined) await rm(home, { recursive: true, force: true });
  home = undefined;
});

const DRAWS = `pi.registerMessageRenderer('news', (message) => ({ render: () => ['drawn by NAME: ' + message.content] }));
  pi.registerEntryRenderer('card', (entry) => ({ render: () => ['a card of NAME'] }));`;
const SAYS = `pi.registerCommand('NAME', { handler: () => {
  pi.sendMessage({ customType: 'news', content: 'from NAME', display: true, package: 'other', details: { package: 'other' } });
  pi.appendEntry('card', { package: 'other' });
} });`;
const packageOf = (name: string, ...body: readonly string[]) => ({
  name,
  text: `export default (pi) => { ${body.join('\n').replaceAll('NAME', name)} };`,
  granted: ['session:write', 'prompt:modify', 'ui:panel'],
});

it('a message is drawn by the package that sent it, whoever registered for its type first', async () => {
  home = await mkdtemp(join(tmpdir(), 'dash-home-'));
  const packages = [packageOf('first', DRAWS, SAYS), packageOf('second', DRAWS, SAYS), packageOf('silent', SAYS)];
  world = await startSandboxedHost({ turns: [] }, packages, { dashHome: home, session: { kind: 'new' } });
  const { host } = world;
  for (const name of ['second', 'silent', 'first']) await host.prompt(`/${name}`);
  const sent = host.conversation.messages.filter((message) => message.role === 'custom');
  expect(sent.map((message) => [message.package, message.content])).toEqual([
    ['second', 'from second'],
    ['silent', 'from silent'],
    ['first', 'from first'],
  ]);
  const find = findDrawers(host, () => 0);
  for (const owner of ['first', 'second']) expect(find('message', 'news', owner)?.package).toBe(owner);
  for (const owner of ['silent', 'other', undefined]) expect(find('message', 'news', owner)).toBeUndefined();
  expect(find('entry', 'card', 'second')?.package).toBe('second');
  expect(find('entry', 'card', 'silent')).toBeUndefined();

  // and so it is when the session is opened again, but not where somebody else's file says so
  host.conversation.session.sync();
  const file = host.conversation.session.file ?? '';
  const again = await openSession(file);
  expect(again.tree.entries.flatMap((entry) => (entry.type === 'custom_message' ? [entry.package] : []))).toEqual(['second', 'silent', 'first']);
  const foreign = join(home, 'foreign.jsonl');
  await writeFile(foreign, await readFile(file));
  const imported = await openSession(await importSession(foreign, { dashHome: home, cwd: world.cwd }));
  const entries = imported.tree.entries.flatMap((entry) => (entry.type === 'custom_message' ? [entry] : []));
  expect(entries.map(({ content, package: owner }) => [content, owner])).toEqual([
    ['from second', undefined],
    ['from silent', undefined],
    ['from first', undefined],
  ]);
});
