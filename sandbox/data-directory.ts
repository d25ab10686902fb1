import { createHash } from 'node:crypto';
import { join } from 'node:path';

/**
 * Where a package keeps what is its own (`data:/`). It belongs to the source the package came from, not to its name:
 * another package of the same name, from elsewhere, finds nothing in it.
 */
export function dataDirectory(dashHome: string, { name, source }: { readonly name: string; readonly source?: string }): string {
  const suffix = source === undefined ? '' : `-${createHash('sha256').update(source).digest('hex').slice(0, 16)}`;
  return join(dashHome, 'data', `${encodeURIComponent(name)}${suffix}`);
}
