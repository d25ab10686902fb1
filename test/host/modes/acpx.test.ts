import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, environment, type Person } from '../../../scripts/demo/stage.ts';
import { newPerson, scripted } from '../../support/acp-client.ts';
import { isAnswer, type Recorded, violations } from '../../support/acp-schema.ts';
import { serveMcp } from '../../support/mcp-network-server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const require = createRequire(import.meta.url);
/** Somebody else's client: it prints every message of both sides, a line each. */
const ACPX = join(dirname(require.resolve('acpx/package.json')), 'dist', 'cli.js');

interface Exec {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly transcript: readonly Recorded[] }>;
}

interface How {
  readonly args?: readonly string[];
  /** Default: prompt once. */
  readonly command?: readonly string[];
  readonly person?: Person;
}

async function acpx(
  cwd: string,
  turns: readonly object[],
  agentArgs: string,
  { args = [], command = ['exec', 'please do'], person: known }: How = {},
): Promise<Exec> {
  const person = known ?? (await newPerson());
  await mkdir(person.dashHome, { recursive: true });
  const agent = `${process.execPath} ${BIN} acp --model ${await scripted(turns)} ${agentArgs}`;
  const child = spawn(process.execPath, [ACPX, '--agent', agent, '--cwd', cwd, '--format', 'json', ...args, ...command], {
    cwd,
    env: environment(person),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, transcript: read(output) }));
  return { child, output: () => output, ended };
}

/** Both sides count their requests from 0: an answer is told by what was asked under its number, and which of both it fits. */
function read(output: string): readonly Recorded[] {
  const ofClient = /^(initialize|authenticate|session\/(new|prompt|cancel|load|set_.*))$/;
  const open = { client: new Map<string, string>(), agent: new Map<string, string>() };
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Recorded => {
      const message = JSON.parse(line) as Recorded['message'];
      const { method, result } = message;
      const id = JSON.stringify(message['id']);
      if (typeof method === 'string') {
        const from = ofClient.test(method) ? 'client' : 'agent';
        open[from].set(id, method);
        return { from, message };
      }
      const asked = open.client.get(id);
      const from = asked !== undefined && (!open.agent.has(id) || isAnswer(asked, result)) ? 'agent' : 'client';
      open[from === 'agent' ? 'client' : 'agent'].delete(id);
      return { from, message };
    });
}

const updatesOf = (transcript: readonly Recorded[]): readonly Record<string, unknown>[] =>
  transcript.flatMap(({ message }) =>
    message['method'] === 'session/update' ? [(message['params'] as { readonly update: Record<string, unknown> }).update] : [],
  );
const stopReason = (transcript: readonly Recorded[]): unknown =>
  transcript.flatMap(({ message }) => (message['result'] as { readonly stopReason?: unknown } | undefined)?.stopReason ?? []).at(-1);

const TURNS = [
  { thinking: 'hm', text: 'let me see', toolCalls: [{ name: 'read', arguments: { path: 'a.txt' } }] },
  { toolCalls: [{ name: 'write', arguments: { path: 'b.txt', content: 'new\n' } }] },
  { text: 'done' },
];

describe('acpx, a client of somebody else', () => {
  it('initializes, opens a session, prompts, and allows what is asked', async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'a.txt'), 'hi\n');
    const { code, transcript } = await (await acpx(cwd, TURNS, '', { args: ['--approve-all'] })).ended;
    expect(code).toBe(0);
    expect(violations(transcript)).toEqual([]);
    const methods = transcript.flatMap(({ message }) => (typeof message['method'] === 'string' ? [message['method']] : []));
    expect([...new Set(methods)].toSorted((a, b) => a.localeCompare(b))).toEqual([
      'fs/read_text_file',
      'fs/write_text_file',
      'initialize',
      'session/new',
      'session/prompt',
      'session/request_permission',
      'session/update',
    ]);
    const calls = updatesOf(transcript).filter(({ sessionUpdate, status }) => sessionUpdate === 'tool_call_update' && status === 'completed');
    expect(calls).toMatchObject([{ toolCallId: 'call_1' }, { toolCallId: 'call_2', content: [{ type: 'diff', oldText: null, newText: 'new\n' }] }]);
    expect(stopReason(transcript)).toBe('end_turn');
    expect(await readFile(join(cwd, 'b.txt'), 'utf8')).toBe('new\n');
  });

  it('denies what is asked, and the turn goes on without it', async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'a.txt'), 'hi\n');
    const { transcript } = await (await acpx(cwd, TURNS, '', { args: ['--deny-all'] })).ended;
    expect(violations(transcript)).toEqual([]);
    const failed = updatesOf(transcript).filter(({ status }) => status === 'failed');
    expect(failed).toMatchObject([{ toolCallId: 'call_2', rawOutput: { output: expect.stringContaining('declined by the user') } }]);
    expect(stopReason(transcript)).toBe('end_turn');
    await expect(readFile(join(cwd, 'b.txt'))).rejects.toThrow('ENOENT');
  });

  it('hands on a server on the network, which is asked for as network access is, and its tools one by one', async () => {
    const server = await serveMcp();
    const config = join(await temporaryDirectory(), 'mcp.json');
    await writeFile(
      config,
      JSON.stringify({ mcpServers: [{ type: 'http', name: 'far', url: `${server.origin}/stream`, headers: [{ name: 'X-Key', value: 'k' }] }] }),
    );
    const turns = [{ toolCalls: [{ name: 'mcp__far__echo', arguments: { text: 'hi' } }] }, { text: 'done' }];
    // acpx looks at what kind of call it is: reads are approved, and this is none
    const held = await (await acpx(await temporaryDirectory(), turns, '', { args: ['--mcp-config', config, '--approve-reads'] })).ended;
    expect(violations(held.transcript)).toEqual([]);
    expect(server.received).toEqual([]);
    const { transcript } = await (await acpx(await temporaryDirectory(), turns, '', { args: ['--mcp-config', config, '--approve-all'] })).ended;
    expect(violations(transcript)).toEqual([]);
    const questions = transcript.flatMap(({ message }) => (message['method'] === 'session/request_permission' ? [message['params']] : []));
    expect(questions).toMatchObject([{ toolCall: { title: 'connect to the MCP server far?' } }, { toolCall: { kind: 'fetch' } }]);
    expect(updatesOf(transcript).find(({ rawOutput }) => rawOutput !== undefined)).toMatchObject({ rawOutput: { output: 'the server heard: hi' } });
    expect(server.received.every(({ headers }) => headers['x-key'] === 'k')).toBe(true);
  });

  it('lists the sessions that it had', async () => {
    const cwd = await temporaryDirectory();
    const person = await newPerson();
    const { transcript } = await (await acpx(cwd, [{ text: 'hello' }], '', { person })).ended;
    expect(stopReason(transcript)).toBe('end_turn');
    const listed = await acpx(cwd, [{ text: 'never asked' }], '', { person, command: ['sessions', 'list'] });
    expect((await listed.ended).code).toBe(0);
    expect(JSON.parse(listed.output())).toMatchObject({ source: 'agent', sessions: [{ cwd, title: 'please do' }] });
  });

  it('cancels a turn in the middle of a command', async () => {
    const cwd = await temporaryDirectory();
    const turns = [{ toolCalls: [{ name: 'bash', arguments: { command: 'echo it has begun; sleep 600' } }] }, { text: 'never said' }];
    const exec = await acpx(cwd, turns, '--approve all', { args: ['--approve-all'] });
    await expect.poll(() => exec.output().includes('it has begun\\n'), { timeout: 30_000 }).toBe(true);
    exec.child.kill('SIGINT');
    const { transcript } = await exec.ended;
    expect(violations(transcript)).toEqual([]);
    expect(transcript.some(({ message }) => message['method'] === 'session/cancel')).toBe(true);
    expect(stopReason(transcript)).toBe('cancelled');
  });
});
