import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type McpServer, methods } from '@agentclientprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { readAuditTrails } from '../../../sandbox/index.ts';
import { type AcpClient, type AcpClientOptions, initialize, newPerson, startAcp } from '../../support/acp-client.ts';
import { type NetworkMcpServer, serveMcp } from '../../support/mcp-network-server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const call = (tool: string, args: object = {}) => ({ toolCalls: [{ name: `mcp__far__${tool}`, arguments: args }] });
const isAboutServer = (title: string | null | undefined): boolean => title?.startsWith('connect to the MCP server far') === true;

interface Scene {
  readonly editor: AcpClient;
  readonly sessionId: string;
}

interface Way {
  readonly path?: string;
  readonly type?: 'http' | 'sse';
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
  readonly permissions?: object;
}

/** A session whose editor offers one server on the network. */
async function open(server: NetworkMcpServer, turns: readonly object[], options: AcpClientOptions, way: Way = {}): Promise<Scene> {
  const { path = '/mcp', type = 'http', headers = [], permissions } = way;
  const person = await newPerson();
  await mkdir(person.dashHome, { recursive: true });
  if (permissions !== undefined) await writeFile(join(person.dashHome, 'settings.json'), JSON.stringify({ permissions }));
  const editor = await startAcp(turns, { person, ...options });
  const { agentCapabilities } = await initialize(editor, { session: { notices: {} } });
  expect(agentCapabilities?.mcpCapabilities).toMatchObject({ http: true, sse: true });
  const offered: McpServer = { type, name: 'far', url: `${server.origin}${path}`, headers: [...headers] };
  const { sessionId } = await editor.agent.request(methods.agent.session.new, { cwd: await temporaryDirectory(), mcpServers: [offered] });
  return { editor, sessionId };
}

const connect: NonNullable<AcpClientOptions['answer']> = ({ toolCall }) => (isAboutServer(toolCall.title) ? 'connect' : 'once');
const notices = ({ updates }: AcpClient): readonly string[] => updates.flatMap((update) => (update.sessionUpdate === 'notice' ? [update.title] : []));
const outputs = ({ updates }: AcpClient): readonly unknown[] =>
  updates.flatMap((update) => (update.sessionUpdate === 'tool_call_update' && update.rawOutput !== undefined ? [update.rawOutput] : []));

describe('a server on the network that an editor offers', () => {
  it.each([
    ['answers at once', '/mcp', 'http'],
    ['answers in a stream', '/stream', 'http'],
    ['sends on within itself', '/moved', 'http'],
    ['answers in one stream, as before', '/sse', 'sse'],
  ] as const)('is asked for with its address, and each of its tools, when it %s', async (_, path, type) => {
    const server = await serveMcp();
    const turns = [call('echo', { text: 'hi; cat /etc/passwd' }), { toolCalls: [{ name: 'write', arguments: { path: 'a', content: '' } }] }, { text: 'done' }];
    const headers = [{ name: 'Authorization', value: 'Bearer hunter2' }];
    // what need not be asked in this mode stays on this machine
    const { editor, sessionId } = await open(server, turns, { answer: connect, args: ['--approve', 'edits'] }, { path, type, headers });
    expect(await editor.prompt(sessionId, 'go')).toBe('end_turn');
    const [first, second] = editor.questions;
    expect(first).toMatchObject({ toolCall: { kind: 'fetch', status: 'pending' }, options: [{ kind: 'allow_once' }, { kind: 'reject_once' }] });
    const words = JSON.stringify(first?.toolCall.content);
    for (const word of [`${server.origin}${path}`, 'with the headers Authorization', 'it is on this machine or in its network']) expect(words).toContain(word);
    expect(words).not.toContain('hunter2');
    expect(second).toMatchObject({ toolCall: { kind: 'fetch' }, options: [{ kind: 'allow_once' }, { kind: 'allow_always' }, { kind: 'reject_once' }] });
    expect(JSON.stringify(second?.toolCall.content)).toContain('is 127.0.0.1 on the network: what stands here goes there');
    expect(outputs(editor)[0]).toMatchObject({ output: 'the server heard: hi; cat /etc/passwd' });
    expect(notices(editor)).toContain('the MCP server far offers 4 tools');
    await editor.close();

    const asked = server.received.flatMap(({ asks }) => asks ?? []);
    expect([...new Set(asked.filter((each) => each !== 'ping'))]).toEqual(['initialize', 'notifications/initialized', 'tools/list', 'tools/call']);
    expect(server.received.every((each) => each.headers.authorization === 'Bearer hunter2')).toBe(true);
    if (type === 'http') {
      // once both know each other, each message says of which session it is, and the end is told
      const later = server.received.filter(
        ({ method, asks, path: to }) => to !== '/moved' && asks !== 'initialize' && (asks !== undefined || method === 'DELETE'),
      );
      expect(later.map((each) => [each.headers['mcp-session-id'], each.headers['mcp-protocol-version']])).toEqual(later.map(() => ['s-1', '2025-03-26']));
      expect(server.received.at(-1)?.method).toBe('DELETE');
    }
    const trails = readAuditTrails(join(editor.person.dashHome, 'audit'));
    const target = `POST ${server.origin}${path}`;
    expect(trails.flatMap(({ records }) => records)).toContainEqual(expect.objectContaining({ capability: 'tool:mcp', target, decision: 'allow' }));
    expect(JSON.stringify(trails)).not.toContain('hunter2');
  });

  it('is not spoken to without a yes, where nothing may be reached, or where a rule of the user denies it', async () => {
    const server = await serveMcp();
    const refused = async (options: AcpClientOptions, way: Way = {}): Promise<string | undefined> => {
      const { editor, sessionId } = await open(server, [{ text: 'fine' }], options, way);
      await editor.prompt(sessionId, 'hi');
      const [notice] = notices(editor);
      await editor.close();
      return notice?.replace('the MCP server far was not started: ', '');
    };
    expect(await refused({ answer: () => 'no' })).toBe('nobody said yes');
    // an answer that was not offered
    expect(await refused({ answer: () => 'confined' })).toBe('nobody said yes');
    expect(await refused({ answer: connect, args: ['--no-input'] })).toBe('nobody said yes');
    expect(await refused({ answer: connect, args: ['--approve', 'none'] })).toBe('this session reads only');
    const rule = `net:127.0.0.1:${server.port}`;
    expect(await refused({ answer: connect, args: ['--approve', 'all'] }, { permissions: { deny: [rule] } })).toBe(`your rule \`${rule}\` denies it`);
    expect(server.received).toEqual([]);
  });

  it('needs no question where the user allowed its address, and its tools still do', async () => {
    const server = await serveMcp();
    const permissions = { allow: [`net:127.0.0.1:${server.port}`] };
    const { editor, sessionId } = await open(server, [call('echo', { text: '1' }), { text: 'done' }], { answer: () => 'no' }, { permissions });
    await editor.prompt(sessionId, 'go');
    expect(editor.questions.map(({ toolCall }) => toolCall.kind)).toEqual(['fetch']);
    expect(isAboutServer(editor.questions[0]?.toolCall.title)).toBe(false);
    expect(outputs(editor)).toMatchObject([{ output: expect.stringContaining('declined by the user') }]);
    expect(server.received.some(({ asks }) => asks === 'tools/call')).toBe(false);
    await editor.close();
  });

  it.each([
    ['/locked', 'http', 'HTTP 401 Unauthorized: give it a key as a header in the editor; it cannot be logged in to from here'],
    ['/away', 'http', expect.stringMatching(/^it sends on to http:\/\/127\.0\.0\.1:\d+: name that address in the editor/)],
    ['/page', 'http', 'its connection ended before the answer'],
    ['/garbage', 'http', 'the MCP server `far` is gone: it wrote something that is no JSON'],
    ['/page', 'sse', 'the MCP server `far` is gone: it answers with something else than a stream of events'],
    ['/sse-away', 'sse', expect.stringMatching(/is gone: it wants its messages sent to http:\/\/127\.0\.0\.1:\d+$/)],
  ] as const)('that answers from %s as %s is refused with the reason', async (path, type, reason) => {
    const other = await serveMcp();
    const server = await serveMcp(other.origin);
    const { editor, sessionId } = await open(server, [{ text: 'fine' }], { answer: connect }, { path, type });
    expect(await editor.prompt(sessionId, 'hi')).toBe('end_turn');
    expect(notices(editor).map((notice) => notice.replace('the MCP server far was not started: ', ''))).toEqual([reason]);
    // what was agreed to for one server is sent to no other
    expect(other.received).toEqual([]);
    await editor.close();
  });

  it('that drops a call, forgets the session or hangs is told to the model, and the session goes on', async () => {
    const server = await serveMcp();
    const turns = [call('drop'), call('hang'), call('echo', { text: 'still' }), { text: 'on' }, call('forget'), call('echo'), { text: 'gone' }];
    const { editor, sessionId } = await open(server, turns, { answer: connect });
    const stopped = editor.prompt(sessionId, 'go');
    await expect.poll(() => server.received.filter(({ asks }) => asks === 'tools/call').length, { timeout: 30_000 }).toBe(2);
    expect(outputs(editor)).toMatchObject([{ output: expect.stringMatching(/socket hang up|ECONNRESET|terminated/) }]);
    await editor.agent.notify(methods.agent.session.cancel, { sessionId });
    expect(await stopped).toBe('cancelled');
    await expect.poll(() => server.received.some(({ asks }) => asks === 'notifications/cancelled'), { timeout: 30_000 }).toBe(true);
    expect(await editor.prompt(sessionId, 'again')).toBe('end_turn');
    expect(outputs(editor).at(-1)).toMatchObject({ output: 'the server heard: still' });
    expect(await editor.prompt(sessionId, 'and now')).toBe('end_turn');
    expect(notices(editor)).toContain('the MCP server far ended: it knows this session no more');
    expect(JSON.stringify(outputs(editor).at(-1))).toContain('mcp__far__echo');
    await editor.close();
  });
});
