import { once } from 'node:events';

import { serveDashboard } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { parsePort } from '../parse-port.ts';

export const define: DefineCommand = (command) => {
  command.option('--port <port>', 'the port on 127.0.0.1; default: a free one');
  return async ({ home, globals, signal, stdout, stderr }) => {
    const { port } = command.opts<{ readonly port?: string }>();
    const dashboard = await serveDashboard({ dashHome: home, ...(port === undefined ? {} : { port: parsePort(port) }) });
    stdout.write(globals.json === true ? `${JSON.stringify({ url: dashboard.url, port: dashboard.port })}\n` : `${dashboard.url}\n`);
    if (globals.quiet !== true) stderr.write('open this address within ten minutes; it works once, in one browser. Ctrl-C ends it\n');
    if (!signal.aborted) await once(signal, 'abort');
    await dashboard.close();
    return { kind: 'streamed', exitCode: 0 };
  };
};
