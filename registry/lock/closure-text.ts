import { formatLockfile } from './format-lockfile.ts';
import type { Lockfile } from './lockfile.ts';
import { pinOf } from './pin-of.ts';

/** One root of a lock with everything it leads to. */
export function closureText(name: string, { version, roots, packages }: Lockfile): string {
  const root = Object.hasOwn(roots, name) ? roots[name] : undefined;
  if (root === undefined) return '';
  const ids = new Set([root.id, ...Object.keys(root.graph).map(pinOf)]);
  return formatLockfile({ version, roots: { [name]: root }, packages: Object.fromEntries(Object.entries(packages).filter(([id]) => ids.has(id))) });
}
