import type { InspectedPackage } from '../inspect/inspect.ts';
import { lockOf } from '../store/commit.ts';
import { type ClaimedLock, lockTampered } from './read-lockfile.ts';

/** What a user may have chosen, and what only a registry can say: neither can be read out of the bytes. */
const NOT_IN_BYTES = new Set(['disabled', 'filter', 'publishedAt', 'publisher', 'hasInstallScript']);

/**
 * Compares what the lock says of a package, its dependencies included, with what its bytes say.
 *
 * @throws {DashError} LOCK_TAMPERED naming the first difference
 */
export function assertAsClaimed(name: string, inspected: InspectedPackage, claimed: ClaimedLock): void {
  const { root, packages } = lockOf(inspected);
  compare(['roots', name], new Map(Object.entries(claimed.lock.roots)).get(name), root, claimed);
  const said = new Map(Object.entries(claimed.lock.packages));
  for (const [id, entry] of packages) compare(['packages', id], said.get(id), entry, claimed);
}

function compare(keys: readonly string[], said: unknown, actual: unknown, claimed: ClaimedLock): void {
  if (isObject(said) && isObject(actual)) {
    for (const key of new Set([...Object.keys(said), ...Object.keys(actual)])) {
      if (keys.length === 2 && NOT_IN_BYTES.has(key)) continue;
      compare([...keys, key], member(said, key), member(actual, key), claimed);
    }
    return;
  }
  if (JSON.stringify(said) === JSON.stringify(actual)) return;
  const [, id = '', ...field] = keys;
  const existing = said === undefined ? keys.slice(0, -1) : keys;
  throw lockTampered(
    claimed,
    existing,
    `\`${claimed.path}\` says of \`${id}\`: ${field.join('.') || 'its entry'} is ${shown(said)}; its bytes say ${shown(actual)}`,
  );
}

function member(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : `\`${JSON.stringify(value).slice(0, 120)}\``;
}
