import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { type Json, type RpcSession, toolText } from '../../scripts/demo/rpc-session.ts';
import { childrenOf, type Journey, startJourney } from '../support/journey.ts';

/**
 * Extensions that nobody here wrote, from a registry to their answer: published, installed and called with the
 * real program, each by a user with an empty home.
 */
const EXAMPLES = join(import.meta.dirname, '../../node_modules/@earendil-works/pi-coding-agent/examples/extensions');
const example = (name: string): Promise<string> => readFile(join(EXAMPLES, `${name}.ts`), 'utf8');

const call = (name: string, args: Json = {}) => ({ toolCalls: [{ name, arguments: args }] });
const textOf = (content: readonly { readonly text?: string }[] = []): string => content.map(({ text = '' }) => text).join('\n');

/** The texts of the tool results as the session file holds them. */
async function resultsOnDisk({ sessionEntries }: Journey): Promise<string[]> {
  const messages = (await sessionEntries()).map(({ message }) => message as { role?: string; content?: { text?: string }[] } | undefined);
  return messages.flatMap((message) => (message?.role === 'toolResult' ? [textOf(message.content)] : []));
}

/** The text of the next notice after the `from`th record. */
async function notice(host: RpcSession, from = 0): Promise<unknown> {
  return (await host.wait(({ type, method }) => type === 'extension_ui_request' && method === 'notify', from)).message;
}

describe('hello', () => {
  it('answers `dash call`, and the model out of a process of its own', async () => {
    const journey = await startJourney();
    await journey.publish('hello', await example('hello'));
    await journey.install('hello');

    const { exitCode, document } = await journey.call('hello', 'hello', { name: 'Ada' });
    expect({ exitCode, ...document.result }).toEqual({
      exitCode: 0,
      content: [{ type: 'text', text: 'Hello, Ada!' }],
      details: { greeted: 'Ada' },
      isError: false,
    });

    const host = await journey.host([call('hello', { name: 'Grace' }), { text: 'done' }]);
    // one may be there that is kept for whichever package wakes first
    const processes = (): number => childrenOf(host.pid).filter((command) => command.includes('--jitless')).length;
    expect(processes()).toBeLessThanOrEqual(1);
    expect(toolText(await host.run('greet Grace'), 'hello')).toEqual({ text: 'Hello, Grace!', isError: false });
    expect([1, 2]).toContain(processes());
    expect(await host.close()).toBe(0);
    expect(await resultsOnDisk(journey)).toEqual(['Hello, Grace!']);
  });
});

describe('todo', () => {
  it('answers `dash call`, keeps its list in the session, finds it again at `session_start`, and has a command', async () => {
    const journey = await startJourney();
    await journey.publish('todo', await example('todo'));
    await journey.install('todo', 'session:read', 'ui:notify');
    const { document } = await journey.call('todo', 'todo', { action: 'add', text: 'milk' });
    expect(textOf(document.result?.content)).toBe('Added todo #1: milk');

    const first = await journey.host([call('todo', { action: 'add', text: 'bread' }), { text: 'noted' }]);
    expect(toolText(await first.run('bread please'), 'todo').text).toBe('Added todo #1: bread');
    await first.close();
    expect(await resultsOnDisk(journey)).toEqual(['Added todo #1: bread']);

    // another process: what it knows it has from the session
    const second = await journey.host([call('todo', { action: 'list' }), { text: 'done' }], '--continue');
    expect(toolText(await second.run('what is there?'), 'todo').text).toBe('[ ] #1: bread');
    const from = second.records.length;
    await second.send({ type: 'prompt', message: '/todos' });
    expect(await notice(second, from)).toBe('/todos requires interactive mode');
    await second.close();
    const asked = (await journey.auditRecords()).filter(({ capability }) => capability === 'session.query');
    expect(asked.map(({ decision }) => decision)).toContain('allow');
  });

  it('starts with an empty list when it may not read the session, and the trail says why', async () => {
    const journey = await startJourney();
    await journey.publish('todo', await example('todo'));
    // what its code was seen to need is quiet, and would be granted
    expect(await journey.dash('install', 'npm:todo', '--min-age', '0', '--deny', 'session:read')).toMatchObject({ exitCode: 0 });
    const first = await journey.host([call('todo', { action: 'add', text: 'bread' }), { text: 'noted' }]);
    await first.run('bread please');
    await first.close();
    const second = await journey.host([call('todo', { action: 'list' }), { text: 'done' }], '--continue');
    expect(toolText(await second.run('what is there?'), 'todo').text).toBe('No todos');
    await second.close();
    const asked = (await journey.auditRecords()).filter(({ capability }) => capability === 'session.query');
    expect(asked.map(({ decision }) => decision)).toContain('deny');
    expect(asked.map(({ decision }) => decision)).not.toContain('allow');
  });
});

describe('file-trigger', () => {
  it('turns a change of its file into a message and a turn of the model', async () => {
    const journey = await startJourney();
    const trigger = join(journey.workspace, 'agent-trigger.txt');
    await writeFile(trigger, '');
    // The example watches one file for the whole machine, where two runs of this test would meet. Nothing else is changed.
    const source = (await example('file-trigger')).replace('const triggerFile = "/tmp/agent-trigger.txt"', `const triggerFile = ${JSON.stringify(trigger)}`);
    expect(source).toContain(trigger);
    await journey.publish('file-trigger', source);
    await journey.install('file-trigger', `fs:read:${trigger}`, `fs:write:${trigger}`, 'background', 'session:write', 'ui:notify');

    const host = await journey.host([{ text: 'the tests pass' }]);
    expect(await notice(host)).toBe(`Watching ${trigger}`);
    await watched(host.pid, trigger);
    await writeFile(trigger, 'Run the tests');
    await host.wait(({ type }) => type === 'agent_end');
    await host.close();

    expect(await readFile(trigger, 'utf8')).toBe('');
    const entries = await journey.sessionEntries();
    expect(entries).toContainEqual(expect.objectContaining({ type: 'custom_message', customType: 'file-trigger', content: 'External trigger: Run the tests' }));
    expect(JSON.stringify(entries)).toContain('the tests pass');
    const decisions = (await journey.auditRecords())
      .filter(({ decision }) => decision !== undefined)
      .map(({ capability, decision }) => `${String(capability)} ${String(decision)}`);
    expect(new Set(decisions)).toEqual(new Set(['fs.watch allow', 'fs.readFile allow', 'fs.writeFile allow', 'ui.notify allow', 'session.sendMessage allow']));
  });
});

describe('permission-gate', () => {
  const SHELL = `import { appendFileSync } from 'node:fs';
import { Type } from 'typebox';
export default (pi) => pi.registerTool({
  name: 'bash', label: 'bash', description: 'writes down what it would run', parameters: Type.Object({ command: Type.String() }),
  execute: async (id, { command }) => { appendFileSync('ran.txt', command + '\\n'); return { content: [{ type: 'text', text: 'ran ' + command }], details: {} }; },
});`;

  async function gated(): Promise<{ journey: Journey; ran: () => Promise<string> }> {
    const journey = await startJourney();
    const ran = join(journey.workspace, 'ran.txt');
    await writeFile(ran, '');
    await journey.publish('shell', SHELL);
    await journey.publish('permission-gate', await example('permission-gate'));
    await journey.install('shell', 'tools:override:bash', `fs:write:${ran}`);
    await journey.install('permission-gate', 'tools:intercept', 'ui:prompt');
    return { journey, ran: () => readFile(ran, 'utf8') };
  }

  it('blocks what is dangerous when nobody can be asked', async () => {
    const { journey, ran } = await gated();
    const host = await journey.host([call('bash', { command: 'sudo reboot' }), call('bash', { command: 'ls' }), { text: 'done' }], '--no-input');
    await host.run('go');
    await host.close();
    expect(await resultsOnDisk(journey)).toEqual(['Dangerous command blocked (no UI for confirmation)', 'ran ls']);
    expect(await ran()).toBe('ls\n');
  });

  it.each([
    ['No', 'Blocked by user', ''],
    ['Yes', 'ran sudo reboot', 'sudo reboot\n'],
  ])('asks a client that can answer, and heeds its %s', async (answer, result, expected) => {
    const { journey, ran } = await gated();
    const host = await journey.host([call('bash', { command: 'sudo reboot' }), { text: 'done' }]);
    const run = host.run('go');
    const { id, title } = await host.wait(({ type, method }) => type === 'extension_ui_request' && method === 'select');
    expect(title).toContain('sudo reboot');
    host.tell({ type: 'extension_ui_response', id, value: answer });
    await run;
    await host.close();
    expect(await resultsOnDisk(journey)).toEqual([result]);
    expect(await ran()).toBe(expected);
  });
});

/** Waits until the kernel says that this process watches this file. */
async function watched(pid: number, file: string): Promise<void> {
  const inode = `ino:${statSync(file).ino.toString(16)} `;
  const isWatched = (): boolean =>
    readdirSync(`/proc/${pid}/fdinfo`).some((fd) => {
      try {
        return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').includes(`inotify wd:`) && readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').includes(inode);
      } catch {
        return false; // closed while we looked
      }
    });
  while (!isWatched()) await sleep(5);
}
