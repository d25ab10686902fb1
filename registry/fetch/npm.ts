import { DashError } from '../../format/index.ts';
import type { RegistryHttp } from '../http/registry-http.ts';
import { assertIntegrity } from '../verify/integrity.ts';

/** Larger than any package may be unpacked: what is bigger is not worth reading to its end. */
const MAX_TARBALL_BYTES = 200 * 1024 * 1024;

export interface Archive {
  readonly url: string;
  /** In the user's words. */
  readonly what: string;
  /** What was promised; without it (a URL that the user typed) the bytes are taken as they are and pinned. */
  readonly integrity?: string;
  /** The registry that named the address. */
  readonly registry?: string | undefined;
  readonly onReceived?: (bytes: number, total: number | undefined) => void;
}

export interface FetchTarballOptions {
  readonly http: RegistryHttp;
  readonly offline?: boolean;
}

/**
 * Downloads an archive into memory.
 *
 * @throws {DashError} INTEGRITY_MISMATCH, PACKAGE_NOT_FOUND, REGISTRY_ERROR, REGISTRY_REPLY_INVALID, OFFLINE, INTERRUPTED
 */
export async function fetchTarball({ url, what, integrity, ...request }: Archive, { http, offline = false }: FetchTarballOptions): Promise<Buffer> {
  if (offline) throw new DashError('OFFLINE', `\`${what}\` is not in the store`, { hint: 'try again without `--offline`' });
  const { body } = await http.get(url, { ...request, what, maxBytes: MAX_TARBALL_BYTES });
  if (integrity !== undefined) assertIntegrity(body, integrity, what);
  return body;
}
