import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { makeLoopbackCertificate } from './loopback-certificate.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface GitServer {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** Whom to believe to believe this server. */
  readonly certificate: string;
  readonly requests: string[];
  /** Sends whoever asks for a path that begins so to another address. */
  redirect(prefix: string, to: string): void;
  /** Asks for a password at paths that begin so. */
  lock(prefix: string): void;
}

/** The repositories below `root` over https on loopback, by git's own `http-backend`; closed after the test. */
export async function startGitServer(root: string): Promise<GitServer> {
  const { key, cert } = makeLoopbackCertificate();
  const certificate = join(await temporaryDirectory(), 'certificate.pem');
  await writeFile(certificate, cert);
  const requests: string[] = [];
  const redirects = new Map<string, string>();
  const locked = new Set<string>();
  const server = createServer({ key, cert }, (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'https://127.0.0.1');
    requests.push(`${request.method} ${pathname}`);
    const redirect = [...redirects].find(([prefix]) => pathname.startsWith(prefix));
    if ([...locked].some((prefix) => pathname.startsWith(prefix))) response.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end();
    else if (redirect === undefined) runBackend(root, { pathname, query: search.slice(1) }, request, response);
    else response.writeHead(302, { location: `${redirect[1]}${pathname}${search}` }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    host: `127.0.0.1:${address.port}`,
    certificate,
    requests,
    redirect: (prefix, to) => void redirects.set(prefix, to),
    lock: (prefix) => void locked.add(prefix),
  };
}

/** The Common Gateway Interface: what was asked in variables, the answer on standard output. */
function runBackend(
  root: string,
  { pathname, query }: { readonly pathname: string; readonly query: string },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      // forges take a repository's name with `.git` and without
      PATH_INFO: decodeURIComponent(pathname).replace(/\.git(?=\/)/, ''),
      QUERY_STRING: query,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  backend.stdin.on('error', () => undefined); // it may have answered without reading
  request.pipe(backend.stdin);
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.on('close', () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf('\r\n\r\n');
    const head = answer
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = Number(head.find(([name]) => name.toLowerCase() === 'status')?.[1].slice(0, 3) ?? 200);
    response
      .writeHead(end < 0 ? 500 : status, Object.fromEntries(head.filter(([name]) => name.toLowerCase() !== 'status' && name !== '')))
      .end(answer.subarray(end + 4));
  });
}
