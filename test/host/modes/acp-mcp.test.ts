import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type McpServer, methods } from '@agentclientprotocol/sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { osLayer } from '../../../sandbox/index.ts';
import { type AcpClient, type AcpClientOptions, initialize, newPerson, startAcp } from '../../support/acp-client.ts';
import { childrenOf } from '../../support/journey.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const SERVER = fileURLToPath(new URL('../../support/mcp-server.mjs', import.meta.url));
const layer = await osLayer();

const call = (tool: string, args: object = {}) => ({ toolCalls: [{ name: `mcp__files__${tool}`, arguments: args }] });

interface Scene {
  readonly editor: AcpClient;
  readonly cwd: string;
  readonly sessionId: string;
}

/** A session whose editor offers one server, which lies in the workspace. */
async function open(turns: (cwd: string) => readonly object[], options: AcpClientOptions, ...args: readonly string[]): Promise<Scene> {
  const cwd = await temporaryDirectory();
  await copyFile(SERVER, join(cwd, 'server.mjs'));
  await writeFile(join(cwd, '.env'), 'KEY=secret');
  const editor = await startAcp(turns(cwd), options);
  await initialize(editor, { session: { notices: {} } });
  const server: McpServer = {
    name: 'files',
    command: process.execPath,
    args: [join(cwd, 'server.mjs'), ...args],
    env: [{ name: 'GREETING', value: 'hello from the editor' }],
  };
  const { sessionId } = await editor.agent.request(methods.agent.session.new, { cwd, mcpServers: [server] });
  return { editor, cwd, sessionId };
}

/** Says yes to a server in this way, and to its tools as told. */
function yes(how: 'confined' | 'full-access', tools: 'once' | 'session' | 'no' = 'once'): NonNullable<AcpClientOptions['answer']> {
  return ({ toolCall }) => (toolCall.title?.startsWith('start the MCP server') === true ? how : tools);
}

const notices = ({ updates }: AcpClient): readonly string[] => updates.flatMap((update) => (update.sessionUpdate === 'notice' ? [update.title] : []));
const outputs = ({ updates }: AcpClient): readonly unknown[] =>
  updates.flatMap((update) => (update.sessionUpdate === 'tool_call_update' && update.rawOutput !== undefined ? [update.rawOutput] : []));

describe('a program that an editor offers', () => {
  it('is started after a question with its exact command, and each of its tools is asked for', async () => {
    const { editor, cwd, sessionId } = await open(
      () => [
        call('echo', { text: 'one' }),
        call('echo', { text: 'two' }),
        { toolCalls: [{ name: 'write', arguments: { path: 'a', content: '' } }] },
        { text: 'done' },
      ],
      { answer: yes('full-access', 'session') },
    );
    expect(await editor.prompt(sessionId, 'greet')).toBe('end_turn');
    const [first, second, third] = editor.questions;
    expect(JSON.stringify(first?.toolCall.content)).toContain(`${process.execPath} ${join(cwd, 'server.mjs')}`);
    expect(JSON.stringify(first?.toolCall.content)).toContain('with the variables GREETING');
    expect(JSON.stringify(first)).not.toContain('hello from the editor');
    expect(first?.options.at(-1)).toMatchObject({ kind: 'reject_once' });
    expect(first?.options.every(({ kind }) => kind !== 'allow_always')).toBe(true);
    // a yes for the session is about this tool, whatever its arguments
    expect(JSON.stringify(second?.toolCall.content)).toContain('mcp__files__echo');
    expect(outputs(editor)).toMatchObject([{ output: 'hello from the editor: one' }, { output: 'hello from the editor: two' }, {}]);
    // what it said is not the user's word
    expect(JSON.stringify(third?.toolCall.content)).toContain('also in the context: words of the MCP server files');
    expect(notices(editor)).toContain('the MCP server files offers 7 tools');
    await editor.close();
  });

  it('is not started without a yes or where nothing may run; the session says why', async () => {
    const { editor, sessionId } = await open(() => [call('echo'), { text: 'there is none' }], { answer: () => 'no' });
    expect(await editor.prompt(sessionId, 'greet')).toBe('end_turn');
    expect(notices(editor)).toEqual(['the MCP server files was not started: nobody said yes']);
    expect(JSON.stringify(outputs(editor))).toContain('mcp__files__echo');
    await editor.close();

    const reader = await open(() => [{ text: 'fine' }], { answer: yes('full-access'), args: ['--approve', 'none'] });
    await reader.editor.prompt(reader.sessionId, 'hi');
    expect(reader.editor.questions).toEqual([]);
    expect(notices(reader.editor)).toEqual(['the MCP server files was not started: this session reads only']);
    await reader.editor.close();
  });

  it('is not started in any mode where a rule of the user denies its program', async () => {
    const person = await newPerson();
    await mkdir(person.dashHome, { recursive: true });
    await writeFile(join(person.dashHome, 'settings.json'), JSON.stringify({ permissions: { deny: [`exec:${basename(process.execPath)}`] } }));
    const { editor, sessionId } = await open(() => [{ text: 'fine' }], { person, answer: yes('full-access'), args: ['--approve', 'all'] });
    await editor.prompt(sessionId, 'hi');
    expect(editor.questions).toEqual([]);
    expect(notices(editor)).toEqual(['the MCP server files was not started: a rule of yours denies it']);
    await editor.close();
  });

  it('that speaks no protocol is refused, and one that dies is named', async () => {
    const garbage = await open(() => [{ text: 'fine' }], { answer: yes('full-access') }, '--garbage');
    expect(await garbage.editor.prompt(garbage.sessionId, 'hi')).toBe('end_turn');
    expect(notices(garbage.editor)).toEqual(['the MCP server files was not started: the MCP server `files` is gone: it wrote something that is no JSON']);
    await garbage.editor.close();

    const dying = await open(() => [call('die'), { text: 'it is gone' }, call('echo', { text: 'still?' }), { text: 'gone' }], { answer: yes('full-access') });
    expect(await dying.editor.prompt(dying.sessionId, 'hi')).toBe('end_turn');
    expect(outputs(dying.editor)).toMatchObject([{ output: expect.stringContaining('exit code 3') }]);
    expect(notices(dying.editor)).toContain('the MCP server files ended: exit code 3');
    await dying.editor.prompt(dying.sessionId, 'again');
    expect(JSON.stringify(outputs(dying.editor).at(-1))).toContain('mcp__files__echo');
    await dying.editor.close();
  });

  it('ends with its session, and a call of it with the cancellation', async () => {
    const { editor, sessionId } = await open(() => [call('hang'), call('echo', { text: 'one' }), { text: 'done' }], { answer: yes('full-access') });
    const hanging = editor.prompt(sessionId, 'wait');
    await editor.until((update) => update.sessionUpdate === 'tool_call_update' && update.status === 'in_progress');
    await editor.agent.notify(methods.agent.session.cancel, { sessionId });
    expect(await hanging).toBe('cancelled');
    // the server was told, and goes on
    expect(await editor.prompt(sessionId, 'greet')).toBe('end_turn');
    expect(outputs(editor).at(-1)).toMatchObject({ output: 'hello from the editor: one, after 1 cancellations' });
    const servers = (): number => childrenOf(editor.child.pid ?? 0).filter((line) => line.includes('server.mjs')).length;
    expect(servers()).toBe(1);
    await editor.agent.request(methods.agent.session.close, { sessionId });
    expect(servers()).toBe(0);
    await editor.close();
  });

  it.skipIf(layer.kind !== 'live')('reads the workspace and nothing else where it was confined (skipped: no bubblewrap)', async () => {
    const listener = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    onTestFinished(() => void listener.close());
    await once(listener, 'listening');
    const { port } = listener.address() as { readonly port: number };
    const tries = (cwd: string) => [
      call('read', { path: join(cwd, 'server.mjs') }),
      call('read', { path: join(cwd, '.env') }),
      call('write', { path: join(cwd, 'written.txt') }),
      call('reach', { port }),
      call('environment'),
      { text: 'done' },
    ];
    const person = { ...(await newPerson()), variables: { MY_TOKEN: 'hunter2' } };
    const held = await open(tries, { answer: yes('confined', 'session'), person });
    expect(await held.editor.prompt(held.sessionId, 'try')).toBe('end_turn');
    expect(outputs(held.editor)).toMatchObject([
      { output: expect.stringContaining('A server of the Model Context Protocol') },
      { output: expect.stringMatching(/^E(ACCES|PERM|NOENT)$/) },
      { output: 'EROFS' },
      { output: expect.stringMatching(/^E(CONNREFUSED|NETUNREACH)$/) },
      { output: expect.stringContaining('GREETING') },
    ]);
    // what looks secret is not handed on; what the editor gives it is
    expect(JSON.stringify(outputs(held.editor).at(-1))).not.toContain('MY_TOKEN');
    expect(held.editor.questions[0]?.options.map(({ optionId }) => optionId)).toEqual(['confined', 'full-access', 'no']);
    await held.editor.close();

    // the control arm: with all rights it does all of it
    const free = await open(tries, { answer: yes('full-access', 'session') });
    await free.editor.prompt(free.sessionId, 'try');
    expect(outputs(free.editor)).toMatchObject([{}, { output: 'KEY=secret' }, { output: 'written' }, { output: 'reached' }, {}]);
    expect(await readFile(join(free.cwd, 'written.txt'), 'utf8')).toBe('written by a server');
    await free.editor.close();
  });
});
