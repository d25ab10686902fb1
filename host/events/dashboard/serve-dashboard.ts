import { once } from 'node:events';
import { createAdaptorServer } from '@hono/node-server';
import { DashError } from '../../../format/index.ts';
import { openEventDatabase } from '../event-database.ts';
import { createDashboard } from './app.ts';
import { createGate } from './gate.ts';
import type { RunningDashboard, ServeDashboardOptions } from './index.ts';

/** How often the database is asked whether somebody wrote to it. */
const LOOK_EVERY_MS = 300;
/** An agent that died writes nothing: its process is looked for at least so often. */
const LOOK_ANYWAY_MS = 3_000;

/** Serves the dashboard on a free port of 127.0.0.1. @throws {DashError} PORT_TAKEN */
export async function listen({ dashHome, port = 0 }: ServeDashboardOptions): Promise<RunningDashboard> {
  const database = await openEventDatabase(dashHome);
  const ending = new AbortController();
  // the name is part of what is checked, so the port comes first
  const server = createAdaptorServer({ fetch: (request, environment) => app.fetch(request, environment) });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    database[Symbol.dispose]();
    throw new DashError('USAGE', `cannot listen on 127.0.0.1:${port}`, { hint: 'name another port with `--port`, or none', cause });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address and a port');
  const authority = `127.0.0.1:${address.port}`;
  const gate = createGate(authority);
  const watch = watchDatabase(() => Number(database.all('PRAGMA data_version')[0]?.['data_version']));
  const app = createDashboard({ dashHome, gate, database, changed: watch.changed, ended: ending.signal });
  return {
    url: `http://${authority}/#${gate.code}`,
    port: address.port,
    async close() {
      ending.abort();
      watch.stop();
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
      database[Symbol.dispose]();
    },
  };
}

interface DatabaseWatch {
  changed(signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** One look for all readers; while nobody reads, nobody looks. */
function watchDatabase(version: () => number): DatabaseWatch {
  const waiting = new Set<() => void>();
  let last = version();
  let toldAt = Date.now();
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const look = (): void => {
    if (waiting.size === 0) return stop();
    const now = version();
    if (now === last && Date.now() - toldAt < LOOK_ANYWAY_MS) return;
    last = now;
    toldAt = Date.now();
    const told = [...waiting];
    waiting.clear();
    for (const tell of told) tell();
  };
  return {
    changed: (signal) =>
      new Promise((resolve) => {
        const tell = (): void => {
          waiting.delete(tell);
          signal.removeEventListener('abort', tell);
          resolve();
        };
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', tell, { once: true });
        waiting.add(tell);
        timer ??= setInterval(look, LOOK_EVERY_MS);
      }),
    stop,
  };
}
