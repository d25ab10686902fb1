import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { methods } from '@agentclientprotocol/sdk';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bornOf } from '../../../host/events/presence.ts';
import { BIN, environment, run } from '../../../scripts/demo/stage.ts';
import { initialize, newPerson, startAcp } from '../../support/acp-client.ts';
import { startJourney } from '../../support/journey.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Command lines of everything that runs on this machine, ours and what we started. */
function commandLines(): readonly string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/cmdline`, 'utf8')] : [];
    } catch {
      return []; // it ended while we looked
    }
  });
}

/** The children of a process. */
function startedBy(parent: number): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const stat = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/stat`, 'utf8') : '';
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent ? [Number(name)] : [];
    } catch {
      return []; // it ended while we looked
    }
  });
}

const running = (mark: string): boolean => commandLines().some((line) => line.includes(`sleep\0${mark}`));

/** A number of seconds that no other test sleeps. */
function newMark(): string {
  return `${100_000 + Math.floor(Math.random() * 800_000)}`;
}

const sleeps = (mark: string) => [{ toolCalls: [{ name: 'bash', arguments: { command: `sleep ${mark}` } }] }, { text: 'over' }];

const ASKER = `
import fs from 'node:fs';
import os from 'node:os';
export default (pi) => pi.registerTool({ name: 'asker', description: 'asks', parameters: { type: 'object', properties: {} }, async execute() {
  return { content: [{ type: 'text', text: await fs.promises.readFile(os.homedir() + '/notes/a', 'utf8') }] };
} });`;

describe('the end of a client', () => {
  it.each(['its input ends', 'it dies'])('ends the agent with what it started when %s in the middle of a command', async (how) => {
    const mark = newMark();
    const editor = await startAcp(sleeps(mark), { args: ['--approve', 'all'] });
    await initialize(editor);
    const { sessionId } = await editor.newSession(await temporaryDirectory());
    const prompted = editor.prompt(sessionId, 'sleep').catch(() => 'gone');
    await expect.poll(() => running(mark), { timeout: 30_000 }).toBe(true);
    if (how === 'it dies') editor.child.stdout?.destroy();
    editor.child.stdin?.end();
    expect(await editor.ended).toBe(0);
    expect(running(mark)).toBe(false);
    await prompted;
    expect(editor.stderr()).toBe('');
  });

  it('ends the agent, with the process of a package, when the client dies over an open question', async () => {
    const journey = await startJourney();
    await journey.publish('asker', ASKER, { 'fs:read:~/notes': 'to sort your notes' });
    await journey.install('asker');
    const editor = await startAcp([{ toolCalls: [{ name: 'asker', arguments: {} }] }, { text: 'over' }], {
      person: journey.user,
      answer: () => new Promise(() => undefined),
    });
    await initialize(editor);
    const { sessionId } = await editor.newSession(journey.workspace);
    const prompted = editor.prompt(sessionId, 'ask').catch(() => 'gone');
    await expect.poll(() => editor.questions.length, { timeout: 30_000 }).toBe(1);
    const started = startedBy(editor.child.pid ?? 0).map((pid) => ({ pid, born: bornOf(pid) }));
    expect(started).not.toEqual([]);
    editor.child.stdout?.destroy();
    editor.child.stdin?.end();
    expect(await editor.ended).toBe(0);
    await expect.poll(() => started.filter(({ pid, born }) => bornOf(pid) === born), { timeout: 30_000 }).toEqual([]);
    await prompted;
    expect(editor.stderr()).toBe('');
  });

  it('ends the command of a cancelled prompt, and the agent at a signal', async () => {
    const mark = newMark();
    const editor = await startAcp(sleeps(mark), { args: ['--approve', 'all'] });
    await initialize(editor);
    const { sessionId } = await editor.newSession(await temporaryDirectory());
    const prompted = editor.prompt(sessionId, 'sleep');
    await expect.poll(() => running(mark), { timeout: 30_000 }).toBe(true);
    await editor.agent.notify(methods.agent.session.cancel, { sessionId });
    expect(await prompted).toBe('cancelled');
    expect(running(mark)).toBe(false);
    editor.child.kill('SIGTERM');
    expect(await editor.ended).toBe(0);
  });
});

describe('`dash acp --login`', () => {
  it('asks nobody where there is no terminal', async () => {
    const person = await newPerson();
    const { exitCode, stderr } = await run(process.execPath, [BIN, 'acp', '--login'], { cwd: person.home, env: environment(person) });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('dash login <provider>')]);
  });
});

describe('what is no protocol', () => {
  it('is answered with an error, and the session goes on', async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'a'), 'a');
    // the client's library complains of answers to what it did not ask
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    onTestFinished(() => complaints.mockRestore());
    const editor = await startAcp([{ text: 'still here' }]);
    await initialize(editor);
    const { sessionId } = await editor.newSession(cwd);
    const raw = (line: string): void => void editor.child.stdin?.write(`${line}\n`);
    raw('{"jsonrpc": "2.0", "id": 900, "method": ');
    raw('[]');
    raw('"hello"');
    raw('\u0000\u0001');
    raw(JSON.stringify({ jsonrpc: '2.0', id: 901, method: 'session/everything', params: {} }));
    raw(JSON.stringify({ jsonrpc: '2.0', id: 902, method: 'session/prompt', params: { sessionId: 7, prompt: 'hi' } }));
    raw(JSON.stringify({ jsonrpc: '2.0', id: 903, method: 'session/prompt', params: { sessionId: 'nobody', prompt: [] } }));
    raw(JSON.stringify({ jsonrpc: '2.0', method: 'session/cancel', params: { sessionId: 'nobody' } }));
    raw(JSON.stringify({ jsonrpc: '2.0', method: 'no/such/notification', params: {} }));
    const codes = (): readonly number[] =>
      editor.transcript.flatMap(({ from, message }) => (from === 'agent' && isError(message['error']) ? [message['error'].code] : []));
    await expect.poll(() => codes().length, { timeout: 30_000 }).toBe(7);
    expect(codes().toSorted((a, b) => b - a)).toEqual([-32002, -32600, -32600, -32601, -32602, -32700, -32700]);
    expect(await editor.prompt(sessionId, 'are you there?')).toBe('end_turn');
    expect(editor.said(sessionId)).toBe('still here');
    editor.child.stdin?.end();
    expect(await editor.ended).toBe(0);
  });

  it('ends the agent where a message has no end, and says so', async () => {
    const editor = await startAcp([{ text: 'hi' }]);
    await initialize(editor);
    const { stdin } = editor.child;
    stdin?.on('error', () => undefined);
    const piece = Buffer.alloc(1024 * 1024, 'x');
    // it is read until there is too much of it
    for (let written = 0; written < 80 && editor.child.exitCode === null && stdin?.destroyed === false; written += 1) {
      if (!stdin.write(piece)) await Promise.race([once(stdin, 'drain'), editor.ended]).catch(() => undefined);
    }
    expect(await editor.ended).toBe(2);
    expect(editor.stderr()).toContain('a message of the client is longer than 67108864 bytes');
  });

  it('of another version is answered with ours, and what is no version with an error', async () => {
    const editor = await startAcp([{ text: 'hi' }]);
    const ask = (protocolVersion: number) => editor.agent.request(methods.agent.initialize, { protocolVersion, clientCapabilities: {} });
    for (const version of [0, 1, 2, 99]) expect(await ask(version)).toMatchObject({ protocolVersion: 1 });
    for (const version of [-1, 1.5, 70_000]) await expect(ask(version)).rejects.toMatchObject({ code: -32602 });
    expect(await editor.close()).toBe(0);
  });

  it('is not asked for a session before it is initialized, and ends well', async () => {
    const editor = await startAcp([{ text: 'hi' }]);
    await expect(editor.newSession(await temporaryDirectory())).rejects.toMatchObject({ code: -32600 });
    editor.child.stdin?.end();
    expect(await editor.ended).toBe(0);
  });
});

function isError(value: unknown): value is { readonly code: number } {
  return typeof value === 'object' && value !== null && 'code' in value;
}
