import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Confinement, Shell } from '../../sandbox/index.ts';
import type { RunAccess } from '../approval/approval.ts';
import type { ImageContent, TextContent } from '../model/messages.ts';
import { errorAnswer, type ToolAnswer } from '../loop/tool-call.ts';
import type { BuiltinTool } from '../tools/index.ts';
import { keepHead } from '../tools/truncate.ts';
import { createMcpClient, type McpClient } from './mcp-client.ts';
import type { NetworkServer, ProgramServer } from './mcp-server.ts';
import { effectOf, type Route } from './network-route.ts';
import { openProgramWire } from './program-wire.ts';
import type { Wire, WireEvents } from './wire.ts';

export interface McpServersOptions {
  readonly shell: Pick<Shell, 'serve'>;
  /** What programs of tools get. */
  readonly environment: Readonly<Record<string, string>>;
  /** Told when one ends by itself. */
  readonly ended: (name: string, why: string) => void;
}

/** What was agreed to: a program, and how it runs, or the way to a server. */
export type AgreedServer =
  | { readonly kind: 'program'; readonly server: ProgramServer; readonly confinement: Confinement }
  | { readonly kind: 'network'; readonly server: NetworkServer; readonly route: Route };

/** The servers that serve an agent, and their tools. */
export interface McpServers extends AsyncDisposable {
  /** Starts one and gives the names of its tools. Whether it may was decided before. @throws when it does not answer */
  start(agreed: AgreedServer, signal: AbortSignal): Promise<readonly string[]>;
  tools(): readonly BuiltinTool[];
  /** Whose a tool is, for everything that names sources; `undefined` for tools of others. */
  ownerOf(tool: string): string | undefined;
}

/** What `npx` may take to fetch one. */
const START_MS = 60_000;
const CALL_MS = 600_000;
const MAX_TOOLS = 128;
const MAX_PAGES = 16;
const MAX_DESCRIPTION = 4_096;
const MAX_SCHEMA = 64 * 1024;
const MAX_NAME = 64;
const MAX_ANSWER_BYTES = 256 * 1024;
const PROTOCOL_VERSION = '2025-06-18';

/** Makes the list; starts nothing. */
export function createMcpServers({ shell, environment, ended }: McpServersOptions): McpServers {
  const running = new Map<McpClient, { readonly owner: string; readonly tools: readonly BuiltinTool[] }>();
  const closing = new AbortController();
  const endings = new Set<Promise<unknown>>();
  const tools = (): readonly BuiltinTool[] => [...running.values()].flatMap((server) => server.tools);
  const letGo = (wire: Wire): void => {
    const over = wire.close();
    endings.add(over);
    void over.finally(() => endings.delete(over));
  };
  const openWire = async (agreed: AgreedServer, events: WireEvents): Promise<Wire> => {
    if (agreed.kind === 'program') return openProgramWire(agreed.server, { shell, environment, confinement: agreed.confinement }, events);
    const { openHttpWire, openSseWire } = await import('./network-wire.ts');
    return agreed.server.transport === 'http' ? openHttpWire(agreed.route, events) : openSseWire(agreed.route, events);
  };

  return {
    tools,
    ownerOf: (name) => [...running.values()].find((server) => server.tools.some((tool) => tool.name === name))?.owner,
    async start(agreed, signal) {
      const { name } = agreed.server;
      const stop = new AbortController();
      let wire: Wire | undefined;
      const client = createMcpClient(
        (message) => wire?.send(message),
        (why) => end(why),
      );
      const end = (why: string): void => {
        const wasThere = running.delete(client);
        client.close(`the MCP server \`${name}\` is gone: ${why}`);
        stop.abort();
        if (wire !== undefined) letGo(wire);
        wire = undefined;
        if (wasThere && !closing.signal.aborted) ended(name, why);
      };
      closing.signal.addEventListener('abort', () => end('the session is over'), { once: true });
      const opened = await openWire(agreed, { message: client.receive, unanswered: client.unanswered, ended: end });
      // it may have ended while it began
      if (stop.signal.aborted) letGo(opened);
      else wire = opened;
      const until = AbortSignal.any([closing.signal, stop.signal]);
      try {
        const how = { signal: AbortSignal.any([until, signal]), timeoutMs: START_MS };
        const hello = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo: { name: 'dash', version: '1' } };
        opened.negotiated(versionIn(await client.request('initialize', hello, how)));
        client.notify('notifications/initialized');
        const taken = new Set(tools().map((tool) => tool.name));
        const found = await listTools(client, how);
        const made = found.flatMap((tool) => {
          const named = toolName(name, tool.name);
          if (taken.has(named) || JSON.stringify(tool.inputSchema).length > MAX_SCHEMA) return [];
          taken.add(named);
          return [makeTool(named, tool, client, runsAs(agreed))];
        });
        running.set(client, { owner: `the MCP server ${name}`, tools: made });
        return made.map((tool) => tool.name);
      } catch (error) {
        end('it did not start');
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all(endings);
    },
  };
}

const Hello = Type.Object({ protocolVersion: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' }) });

function versionIn(hello: unknown): string {
  return Value.Check(Hello, hello) ? hello.protocolVersion : PROTOCOL_VERSION;
}

/** As what a call of its tools is decided: what goes over the network is never confined. */
function runsAs(agreed: AgreedServer): Pick<RunAccess, 'confinement' | 'network'> {
  return agreed.kind === 'program' ? { confinement: agreed.confinement } : { confinement: 'full access', network: effectOf(agreed.route) };
}

const ListedTool = Type.Object({ name: Type.String(), description: Type.Optional(Type.String()), inputSchema: Type.Object({ type: Type.Literal('object') }) });
const Page = Type.Object({ tools: Type.Array(Type.Unknown()), nextCursor: Type.Optional(Type.String()) });
type Listed = { readonly name: string; readonly description?: string; readonly inputSchema: object };

/** What is not described as a tool is none. */
async function listTools(client: McpClient, how: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = await client.request('tools/list', cursor === undefined ? {} : { cursor }, how);
    if (!Value.Check(Page, page)) throw new Error('it does not say which tools it has');
    found.push(...page.tools.flatMap((tool) => (Value.Check(ListedTool, tool) ? [tool] : [])));
    cursor = page.nextCursor;
    if (cursor === undefined || found.length >= MAX_TOOLS) break;
  }
  return found.slice(0, MAX_TOOLS);
}

/** Names that every provider takes, and that say where a tool comes from. */
export function toolName(server: string, tool: string): string {
  return `mcp__${server.replaceAll(/[^\w-]/g, '_').slice(0, 24)}__${tool.replaceAll(/[^\w-]/g, '_')}`.slice(0, MAX_NAME);
}

function makeTool(
  name: string,
  { name: own, description = '', inputSchema }: Listed,
  client: McpClient,
  runs: Pick<RunAccess, 'confinement' | 'network'>,
): BuiltinTool {
  return {
    name,
    description: description.slice(0, MAX_DESCRIPTION),
    parameters: inputSchema,
    accesses: (args) => [{ kind: 'run', command: `${name} ${JSON.stringify(args)}`, argv: [name], ...runs, topic: name }],
    async execute(args, { signal }) {
      try {
        return toAnswer(await client.request('tools/call', { name: own, arguments: args }, { signal, timeoutMs: CALL_MS }));
      } catch (error) {
        return errorAnswer(error instanceof Error ? error.message : String(error));
      }
    },
  };
}

const Answer = Type.Object({ content: Type.Array(Type.Unknown()), isError: Type.Optional(Type.Boolean()) });
const Text = Type.Object({ type: Type.Literal('text'), text: Type.String() });
const Image = Type.Object({ type: Type.Literal('image'), data: Type.String(), mimeType: Type.String({ pattern: '^image/[\\w.+-]+$' }) });

function toAnswer(result: unknown): ToolAnswer {
  if (!Value.Check(Answer, result)) return errorAnswer('the answer of the server is none of the protocol');
  let room = MAX_ANSWER_BYTES;
  const content = result.content.map((block): TextContent | ImageContent => {
    if (Value.Check(Image, block)) return { type: 'image', data: block.data, mimeType: block.mimeType };
    const { text, truncated } = keepHead(Value.Check(Text, block) ? block.text : JSON.stringify(block), Number.POSITIVE_INFINITY, room);
    room = Math.max(room - Buffer.byteLength(text), 0);
    return { type: 'text', text: truncated ? `${text}\n\n[cut: the answer was longer than ${MAX_ANSWER_BYTES} bytes]` : text };
  });
  return { content, isError: result.isError === true };
}
