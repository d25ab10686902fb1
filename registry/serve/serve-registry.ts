import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';

import { createAdaptorServer } from '@hono/node-server';

import { DashError } from '../../format/index.ts';
import { createApp } from './app.ts';
import { openPackageDirectory } from './package-directory.ts';
import type { NpmConfig } from '../npm-config.ts';
import { readThrough } from './upstream.ts';

export interface ServeRegistryOptions {
  /** Where the packages lie; made when missing. One process serves a directory. */
  readonly dir: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Who may publish; without it everyone on this machine may. */
  readonly token?: string;
  /** A registry to read through to for packages this one does not hold. */
  readonly upstream?: string;
  /** Auth, proxy and certificates for `upstream`, as npm's configuration gives them. */
  readonly upstreamOptions?: NpmConfig;
  /** Default 192 MiB: a tarball of 128 MiB in base64, and its manifest. */
  readonly maxBodyBytes?: number;
}

export interface RunningRegistry {
  /** Ends with a slash, as npm's `registry` does. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, lets requests in flight finish, then closes what is idle. */
  close(): Promise<void>;
}

/**
 * Serves an npm registry over a directory, on 127.0.0.1.
 *
 * @example
 * const registry = await serveRegistry({ dir: 'packages' });
 * // npm install --registry ${registry.url} …
 *
 * @throws {DashError} REGISTRY_ERROR when the port is taken
 */
export async function serveRegistry({
  dir,
  port = 0,
  token,
  upstream,
  upstreamOptions,
  maxBodyBytes = 192 * 1024 * 1024,
}: ServeRegistryOptions): Promise<RunningRegistry> {
  await mkdir(dir, { recursive: true });
  const app = createApp({
    packages: openPackageDirectory(dir),
    maxBodyBytes,
    now: () => new Date(),
    ...(token !== undefined && { token }),
    ...(upstream !== undefined && { upstream: readThrough(upstream, upstreamOptions) }),
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    throw new DashError('REGISTRY_ERROR', `cannot listen on 127.0.0.1:${port}`, { hint: 'name another port with `--port`, or none', cause });
  });

  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address and a port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      if ('closeIdleConnections' in server) server.closeIdleConnections();
      await closed;
    },
  };
}
