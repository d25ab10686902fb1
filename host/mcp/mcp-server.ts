/** A server that offers tools over the Model Context Protocol, as a client of ours names it. */
export type McpServer = ProgramServer | NetworkServer;

/** One that runs here, and speaks over its pipes. */
export interface ProgramServer {
  readonly kind: 'program';
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What it gets besides the environment of tools. */
  readonly env: Readonly<Record<string, string>>;
}

/** One that is somewhere else. */
export interface NetworkServer {
  readonly kind: 'network';
  readonly name: string;
  /** `http` answers each message by itself, as the protocol has it today; `sse` answers all of them in one stream, as it had before. */
  readonly transport: 'http' | 'sse';
  readonly url: string;
  /** What goes along with each message: keys, mostly. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/** What is asked before a server is started or reached: exactly what would be done, and by name what it is given. */
export function describeServer(server: McpServer): string {
  const given = (what: string, names: readonly string[]): string => (names.length === 0 ? '' : `\n\nwith the ${what} ${names.join(', ')}`);
  if (server.kind === 'network') {
    const names = server.headers.map(({ name }) => name);
    return `${server.url}${given('headers', names)}`;
  }
  const { command, args, env } = server;
  const line = [command, ...args].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
  return `${line}${given('variables', Object.keys(env))}`;
}
