import { DashError } from '../../format/index.ts';
import { type Answer, type RegistryHttp, unreadable } from '../http/registry-http.ts';
import { keptAnswer, keepAnswer } from './packument-cache.ts';
import { usedOfPackument } from './used-of-packument.ts';

/** Several times the largest there is. A registry that never ends its answer must not fill the memory. */
export const MAX_PACKUMENT_BYTES = 256 * 1024 * 1024;

export interface FetchPackumentOptions {
  /** The one that `name` is bound to, with its final slash. */
  readonly registry: string;
  readonly http: RegistryHttp;
  readonly cacheDir: string;
  /** Asks nobody: what was asked before, however long ago, is all there is. */
  readonly offline?: boolean;
  readonly maxBytes?: number;
  /** Told when the registry was not asked, because its last answer is fresh. */
  readonly onFresh?: () => void;
}

/**
 * Gives what a registry knows of `name` and somebody here reads, as it was in its JSON. Asks again only when the last answer is no longer
 * fresh, and then by its ETag.
 *
 * @throws {DashError} OFFLINE, and as {@link RegistryHttp.get}
 */
export async function fetchPackument(
  name: string,
  { registry, http, cacheDir, offline = false, maxBytes = MAX_PACKUMENT_BYTES, onFresh }: FetchPackumentOptions,
): Promise<unknown> {
  const url = addressOf(name, registry);
  const kept = await keptAnswer(url, cacheDir);
  if (kept !== undefined && (offline || kept.isFresh)) {
    onFresh?.();
    return parse(kept.body, name);
  }
  if (offline) throw new DashError('OFFLINE', `\`${name}\` is not available offline`, { hint: 'try again without `--offline`' });
  // full metadata: the dates of releases are in it
  const headers = { accept: 'application/json', ...kept?.conditions };
  const answer = await http.get(url, { what: name, headers, registry, maxBytes, compressed: true });
  const packument = usedOfPackument(parse(bodyOf(answer, kept?.body, name), name));
  keepAnswer(url, { headers: answer.headers, body: JSON.stringify(packument) }, cacheDir);
  return packument;
}

/** Where everything about a name is. */
export function addressOf(name: string, registry: string): string {
  return `${registry}${name.replace('/', '%2f')}`;
}

/** "Not changed" to somebody who has nothing is no answer. */
function bodyOf({ status, body }: Answer, kept: string | undefined, name: string): string {
  if (status === 200) return body.toString('utf8');
  if (kept === undefined) throw unreadable(name, undefined);
  return kept;
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(name, error);
  }
}
