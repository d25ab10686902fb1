import { DashError } from '../../format/index.ts';

/** Several times the largest there is. A registry that never ends its answer must not fill the memory. */
const MAX_PACKUMENT_BYTES = 256 * 1024 * 1024;

/**
 * Asks the registry that `name` is bound to for everything it knows of it. pacote's own function reads an answer of any
 * size, and stumbles over one that is `null`.
 *
 * @throws {DashError} REGISTRY_REPLY_INVALID when the answer has no end; otherwise what npm's library throws
 */
export async function fetchPackument(name: string, options: Readonly<Record<string, unknown>>, maxBytes: number = MAX_PACKUMENT_BYTES): Promise<unknown> {
  const { default: npmFetch } = await import('npm-registry-fetch');
  // full metadata: the dates of releases are in it
  const { body } = await npmFetch(`/${name.replace('/', '%2f')}`, { ...options, spec: name, headers: { accept: 'application/json' } });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new DashError('REGISTRY_REPLY_INVALID', `the registry's answer for \`${name}\` has more than ${maxBytes} bytes`, {
        hint: 'check `registry` in your `.npmrc`',
      });
    }
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
