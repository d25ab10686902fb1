import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isProtectedRead, mayEndProtected, type Places } from '../../format/index.ts';

/** Protected files that have another name somewhere: `device:inode` → the name for which they are protected. */
export type LinkedSecrets = ReadonlyMap<string, string>;

/** Secrets at their usual places in the home directory that have another name somewhere, as `device:inode`. */
export async function linkedSecretsOf(home: string): Promise<readonly string[]> {
  return [...(await linkedSecretsOfHome(home)).keys()];
}

async function linkedSecretsOfHome(home: string): Promise<LinkedSecrets> {
  const found = new Map<string, string>();
  const look = async (directory: string, depth: number, all: boolean): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      const isSecret = all || mayEndProtected('fs:read', entry.name);
      const path = join(directory, entry.name);
      if (entry.isDirectory() && depth > 0 && (isSecret || entry.name === '.config')) await look(path, depth - 1, isSecret);
      if (entry.isFile() && isSecret) await note(path, found);
    }
  };
  await look(home, 2, false);
  return found;
}

/** More entries than this are not looked through; what lies in them is found only by its protected name. */
const MAX_ENTRIES = 100_000;
/** Of others, and of tools that link files by design. */
const NOT_ENTERED = new Set(['node_modules', '.git']);

async function linkedSecretsOfWorkspace(places: Places): Promise<LinkedSecrets> {
  const found = new Map<string, string>();
  const pending = [places.workspace];
  let entries = 0;
  for (let directory = pending.pop(); directory !== undefined && entries < MAX_ENTRIES; directory = pending.pop()) {
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      entries++;
      const path = join(directory, entry.name);
      if (entry.isDirectory() && !NOT_ENTERED.has(entry.name)) pending.push(path);
      if (entry.isFile() && mayEndProtected('fs:read', entry.name) && isProtectedRead(path, places)) await note(path, found);
    }
  }
  return found;
}

async function note(path: string, found: Map<string, string>): Promise<void> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined);
  if (stats !== undefined && stats.nlink > 1n) found.set(`${stats.dev}:${stats.ino}`, path);
}

/**
 * Finds the protected name of a file that was opened by another one. To link or to rename a file changes its inode, and
 * the time of that: what was looked for after that time need not be looked for again.
 */
export class OtherNames {
  readonly #places: Places;
  #known: Promise<LinkedSecrets> | undefined;
  #lookedAtMs = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  /** The protected path of the same file; `undefined` where it has none. */
  async protectedNameOf({ dev, ino, ctimeMs }: { readonly dev: number; readonly ino: number; readonly ctimeMs: number }): Promise<string | undefined> {
    if (this.#known === undefined || ctimeMs > this.#lookedAtMs - CLOCK_TICK_MS) {
      this.#lookedAtMs = Date.now();
      this.#known = this.#look();
    }
    return (await this.#known).get(`${dev}:${ino}`);
  }

  async #look(): Promise<LinkedSecrets> {
    const [home, workspace] = await Promise.all([linkedSecretsOfHome(this.#places.home), linkedSecretsOfWorkspace(this.#places)]);
    return new Map([...home, ...workspace]);
  }
}

/** The kernel's own clock for files is coarser than ours. */
const CLOCK_TICK_MS = 50;
