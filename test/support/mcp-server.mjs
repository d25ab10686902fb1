// A server of the Model Context Protocol that tries what it is told to. It is copied to where a test needs it.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const tries = {
  echo: async ({ text }) => `${process.env.GREETING ?? 'no greeting'}: ${text}`,
  read: async ({ path }) => readFileSync(path, 'utf8'),
  write: async ({ path }) => {
    writeFileSync(path, 'written by a server');
    return 'written';
  },
  reach: ({ port }) =>
    new Promise((resolve, reject) => {
      connect({ port, host: '127.0.0.1' }, () => resolve('reached')).on('error', reject);
    }),
  environment: async () => Object.keys(process.env).join(' '),
  die: async () => process.exit(3),
  hang: () => new Promise(() => {}),
};
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const schema = { type: 'object', properties: {} };
let cancelled = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') {
    if (process.argv.includes('--silent')) continue;
    if (process.argv.includes('--garbage')) process.stdout.write('starting up ...\n');
    send({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'test', version: '1' } } });
    send({ id: 'from-the-server', method: 'roots/list' });
  } else if (method === 'tools/list') {
    // in two pages, the first with something that is no tool
    const names = Object.keys(tries);
    const tools = (params.cursor === undefined ? names.slice(0, 3) : names.slice(3)).map((name) => ({
      name,
      description: `tries to ${name}`,
      inputSchema: schema,
    }));
    send({ id, result: params.cursor === undefined ? { tools: [...tools, { name: 7 }, 'nothing'], nextCursor: '2' } : { tools } });
  } else if (method === 'notifications/cancelled') cancelled += 1;
  else if (method === 'tools/call') {
    tries[params.name](params.arguments).then(
      (text) => send({ id, result: { content: [{ type: 'text', text: `${text}${cancelled === 0 ? '' : `, after ${cancelled} cancellations`}` }] } }),
      (error) => send({ id, result: { content: [{ type: 'text', text: String(error.code ?? error.message) }], isError: true } }),
    );
  }
}
