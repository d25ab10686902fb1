import { once } from 'node:events';
import { join, resolve } from 'node:path';

import { serveRegistry } from '../../registry/serve/index.ts';
import type { DefineCommand } from '../command.ts';
import { parsePort } from '../parse-port.ts';
import { npmConfigFor } from '../npm-config.ts';

interface ServeFlags {
  readonly port?: string;
  readonly data?: string;
  readonly token?: string;
  readonly upstream?: string;
}

export const define: DefineCommand = (command) => {
  command
    .option('--port <port>', 'the port on 127.0.0.1; default: a free one')
    .option('--data <dir>', 'where the packages lie; default: `registry` in the home of dash')
    .option('--token <token>', 'who may publish; without it everyone on this machine may')
    .option('--upstream <url>', 'read packages it does not hold from this registry');
  return async (invocation) => {
    const { cwd, home, globals, signal, stdout, stderr } = invocation;
    const { port, data, token, upstream } = command.opts<ServeFlags>();
    const registry = await serveRegistry({
      dir: data === undefined ? join(home, 'registry') : resolve(cwd, data),
      port: port === undefined ? 0 : parsePort(port),
      token,
      upstream,
      upstreamOptions: upstream === undefined ? undefined : await npmConfigFor(invocation),
    });
    stdout.write(globals.json === true ? `${JSON.stringify({ url: registry.url, port: registry.port })}\n` : `${registry.url}\n`);
    if (globals.quiet !== true) stderr.write(`serving until Ctrl-C; \`dash install --registry ${registry.url} <name>\` uses it\n`);
    if (!signal.aborted) await once(signal, 'abort');
    await registry.close();
    return { kind: 'streamed', exitCode: 0 };
  };
};
