import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

import { DashError } from '../../format/index.ts';
import type { NpmConfig } from '../npm-config.ts';
import { isErrno } from '../store/file-errors.ts';
import type { Credentials } from './credentials.ts';

/** As many as pnpm opens to one host at the least; npm stops at 15. */
const SOCKETS = 48;

/** Keeps connections open from one request to the next. Idle ones do not keep the process alive. */
export interface Agents {
  /** @throws {DashError} REGISTRY_ERROR when a certificate that the settings name cannot be read */
  for(url: URL, credentials: Credentials): HttpAgent;
}

export function openAgents(npm: NpmConfig, env: Readonly<Record<string, string | undefined>> = process.env): Agents {
  const agents = new Map<string, HttpAgent>();
  const common = { keepAlive: true, maxSockets: SOCKETS, ...proxyOf(npm, env), ...addressOf(npm) };
  return {
    for({ protocol }, { certfile, keyfile }) {
      const key = [protocol, certfile, keyfile].join('\n');
      const agent =
        agents.get(key) ??
        (protocol === 'https:' ? new HttpsAgent({ ...common, ...trustOf(npm), ...certificateOf(certfile, keyfile) }) : new HttpAgent(common));
      agents.set(key, agent);
      return agent;
    },
  };
}

/** Node connects through a proxy by itself, with CONNECT where the registry speaks https. Settings before variables, as npm has it. */
function proxyOf(npm: NpmConfig, env: Readonly<Record<string, string | undefined>>): { readonly proxyEnv?: Record<string, string> } {
  const of = (...names: readonly string[]) => names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
  const text = (value: NpmConfig[string] | undefined) => (typeof value === 'string' ? value : undefined);
  const plain = text(npm['proxy']) ?? of('HTTP_PROXY', 'http_proxy', 'PROXY', 'proxy');
  const secure = text(npm['httpsProxy']) ?? text(npm['proxy']) ?? of('HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'PROXY', 'proxy');
  for (const proxy of [plain, secure]) if (proxy !== undefined) assertProxy(proxy);
  const none = text(npm['noProxy']) ?? of('NO_PROXY', 'no_proxy');
  if (plain === undefined && secure === undefined) return {};
  return {
    proxyEnv: {
      ...(plain !== undefined && { HTTP_PROXY: plain }),
      ...(secure !== undefined && { HTTPS_PROXY: secure }),
      ...(none !== undefined && { NO_PROXY: none }),
    },
  };
}

/** Node would go round a proxy that it cannot read, and a user who names one may not want that. It may hold a password: it is not shown. */
function assertProxy(proxy: string): void {
  if (['http:', 'https:'].includes(URL.parse(proxy)?.protocol ?? '')) return;
  throw new DashError('REGISTRY_ERROR', 'the proxy of your `.npmrc` or environment is not an address of http', {
    hint: 'an address begins with `http://` or `https://`; look at `proxy`, `https-proxy` and `HTTPS_PROXY`',
  });
}

function addressOf({ localAddress }: NpmConfig): { readonly localAddress?: string } {
  return typeof localAddress === 'string' ? { localAddress } : {};
}

/** Whom https believes. `strict-ssl=false` is the user's own word, in the user's own file. */
function trustOf({ ca, cafile, strictSSL }: NpmConfig): { readonly ca?: string; readonly rejectUnauthorized?: boolean } {
  const authorities = typeof cafile === 'string' ? readSetting('cafile', cafile) : typeof ca === 'string' ? ca.replaceAll('\\n', '\n') : undefined;
  return { ...(authorities !== undefined && { ca: authorities }), ...(strictSSL === false && { rejectUnauthorized: false }) };
}

function certificateOf(certfile: string | undefined, keyfile: string | undefined): { readonly cert?: string; readonly key?: string } {
  if (certfile === undefined || keyfile === undefined) return {};
  return { cert: readSetting('certfile', certfile), key: readSetting('keyfile', keyfile) };
}

function readSetting(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error;
    throw new DashError('REGISTRY_ERROR', `\`${name}\` of your \`.npmrc\` cannot be read: ${error.message}`, {
      hint: 'correct the path in your `.npmrc`',
      cause: error,
    });
  }
}
