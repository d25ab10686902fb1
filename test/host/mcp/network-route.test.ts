import { describe, expect, it } from 'vitest';
import { readEvents } from '../../../host/mcp/event-stream.ts';
import { findRoute, openConnections, warningsOf } from '../../../host/mcp/network-route.ts';
import { serveMcp } from '../../support/mcp-network-server.ts';

const server = (url: string, ...headers: readonly (readonly [string, string])[]) =>
  ({ kind: 'network', name: 'far', transport: 'http', url, headers: headers.map(([name, value]) => ({ name, value })) }) as const;

describe('the way to a server', () => {
  it.each([
    ['nonsense', [], 'no URL'],
    ['file:///etc/passwd', [], '`file:` is no protocol of the web'],
    ['https://user:pass@example.com/', [], 'belong in a header'],
    ['http://127.0.0.1/', [['Host', 'example.com']], '`Host` is not for a client to set'],
    ['http://127.0.0.1/', [['Mcp-Session-Id', '1']], 'not for a client to set'],
    ['http://127.0.0.1/', [['X-A', 'a\r\nX-B: b']], '"X-A" is no header'],
    ['http://127.0.0.1/', [['X A', 'a']], '"X A" is no header'],
  ] as const)('%s with %o is none', async (url, headers, why) => {
    await expect(findRoute(server(url, ...headers))).rejects.toThrow(why);
  });

  it.each([
    ['http://127.0.0.1:1/', ['it is on this machine or in its network, not on the internet']],
    ['http://[::1]/', ['it is on this machine or in its network, not on the internet']],
    ['https://169.254.169.254/latest', ['it is on this machine or in its network, not on the internet']],
    ['http://8.8.8.8/', ['nothing on the way is encrypted: whoever carries it can read and change it']],
    ['https://8.8.8.8/', []],
  ])('%s is told with what a person should know', async (url, warnings) => {
    expect(warningsOf(await findRoute(server(url)))).toEqual(warnings);
  });

  it('names the address where a name leads inside', async () => {
    const [warning] = warningsOf(await findRoute(server('http://localhost/')));
    expect(warning).toMatch(/`localhost` leads to (127\.0\.0\.1|::1)/);
  });

  it('goes to no private address that was not seen when it was agreed to', async () => {
    const { port, received } = await serveMcp();
    const url = new URL(`http://localhost:${port}/mcp`);
    const request = { method: 'GET', headers: {}, signal: new AbortController().signal } as const;
    using moved = openConnections({ url, headers: {}, privateAddresses: [] });
    await expect(moved.request(url, request)).rejects.toThrow(/localhost now leads to the private address/);
    expect(received).toEqual([]);
    using agreed = openConnections(await findRoute(server(url.href)));
    (await agreed.request(url, request)).resume();
    expect(received).toHaveLength(1);
  });
});

describe('a stream of events', () => {
  async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
    for (const text of texts) yield Buffer.from(text, 'utf8');
  }

  it.each([
    ['one line', ['data: a\n\n'], ['message a']],
    ['several', ['event: x\ndata: a\ndata: b\n\n', 'data:c\n\n'], ['x a\nb', 'message c']],
    ['breaks of every kind, cut in two', ['data: a\r', '\n\r\ndata: b\r\rda', 'ta: c\n', '\n'], ['message a', 'message b', 'message c']],
    ['comments and fields of no use', [': hello\n\nid: 1\nretry: 5\nnonsense\ndata: a\n\n'], ['message a']],
    ['an end that cuts one off', ['data: a\n\ndata: b\n'], ['message a']],
    ['nothing', [''], []],
  ])('is read with %s', async (_, texts, expected) => {
    const found: string[] = [];
    for await (const { event, data } of readEvents(pieces(...texts))) found.push(`${event} ${data}`);
    expect(found).toEqual(expected);
  });

  it('that never ends an event is left', async () => {
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) yield Buffer.alloc(4 * 1024 * 1024, 'x');
    };
    const read = async (): Promise<void> => {
      for await (const event of readEvents(endless())) expect(event).toBe('never');
    };
    await expect(read()).rejects.toThrow('an event without an end');
  });
});
