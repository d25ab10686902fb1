import { DashError } from '../../format/index.ts';
import type { NpmConfig } from '../npm-config.ts';
import { asRegistryError, RETRIES } from '../resolve/packuments.ts';
import { assertIntegrity } from '../verify/integrity.ts';

/** Larger than any package may be unpacked: what is bigger is not worth reading to its end. */
const MAX_TARBALL_BYTES = 200 * 1024 * 1024;

export interface FetchTarballOptions {
  readonly npm: NpmConfig;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Downloads an archive into memory. `integrity` is what was promised; without it (a URL that the user typed) the bytes
 * are taken as they are and pinned.
 *
 * @throws {DashError} INTEGRITY_MISMATCH, PACKAGE_NOT_FOUND, REGISTRY_ERROR, OFFLINE, INTERRUPTED
 */
export async function fetchTarball(
  url: string,
  { what, integrity }: { readonly what: string; readonly integrity?: string },
  { npm, offline = false, signal }: FetchTarballOptions,
): Promise<Buffer> {
  if (offline) throw new DashError('OFFLINE', `\`${what}\` is not in the store`, { hint: 'try again without `--offline`' });
  const { default: pacote } = await import('pacote');
  let bytes: Buffer;
  try {
    // no cache: the store is one already; `preferOnline` also keeps npm's own cache out of it
    const options = { ...RETRIES, ...npm, signal, preferOnline: true, ignoreScripts: true, ...(integrity !== undefined && { integrity }) };
    bytes = await pacote.tarball.stream(url, (stream) => collect(stream, what), options);
  } catch (error) {
    throw asRegistryError(error, what);
  }
  if (integrity !== undefined) assertIntegrity(bytes, integrity, what);
  return bytes;
}

async function collect(stream: NodeJS.ReadableStream, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += bytes.length;
    if (length > MAX_TARBALL_BYTES)
      throw new DashError('HOSTILE_PACKAGE', `TOO_LARGE: the archive of \`${what}\` has more than ${MAX_TARBALL_BYTES} bytes`, { hint: 'do not install it' });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
