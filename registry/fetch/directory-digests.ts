import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { digestDirectory, isPartOfPackage } from './local.ts';

/** Looking at so many files takes less than a millisecond; larger directories are read, without holding up anybody. */
const MAX_LOOKED_AT = 300;
/** Of file systems that note times to two seconds. */
const COARSEST_CLOCK_MS = 2_500;

interface Known {
  readonly marks: string;
  /** Nothing that was written at this time or later is told apart by its time. */
  readonly readAt: number;
  readonly contentHash: string;
}

/**
 * The digests of linked directories, of which a run wants to know again and again whether they are the same. As git does
 * with its index, files are not read again when neither their names, sizes, inodes nor the times at which the system
 * saw them change are other than before, and none of these times is so young that a later change could bear it too.
 * What a program writes into a file that it has mapped into its memory can have no time: until it has, what was built of the
 * directory before goes on.
 */
export class DirectoryDigests {
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;
  readonly #digest: typeof digestDirectory;

  /** @param parts the clock and the reader; by default the real ones */
  constructor({ now = Date.now, digest = digestDirectory }: { readonly now?: () => number; readonly digest?: typeof digestDirectory } = {}) {
    this.#now = now;
    this.#digest = digest;
  }

  /** @throws {DashError} INVALID_SPEC as {@link digestDirectory} */
  async of(dir: string): Promise<string> {
    const readAt = this.#now();
    const now = look(dir);
    const before = this.#known.get(dir);
    if (now !== undefined && before !== undefined && now.marks === before.marks && now.newest < before.readAt - COARSEST_CLOCK_MS) return before.contentHash;
    const { contentHash } = await this.#digest(dir);
    if (now === undefined) this.#known.delete(dir);
    else this.#known.set(dir, { marks: now.marks, readAt, contentHash });
    return contentHash;
  }
}

/** `undefined` where there are many files, or something is wrong: reading them says what. */
function look(root: string): { readonly marks: string; readonly newest: number } | undefined {
  const marks: string[] = [];
  let newest = 0;
  try {
    const queue = [''];
    for (const folder of queue) {
      for (const name of readdirSync(join(root, folder))) {
        if (!isPartOfPackage(name)) continue;
        const path = folder === '' ? name : `${folder}/${name}`;
        const stats = lstatSync(join(root, path));
        if (stats.isDirectory()) queue.push(path);
        newest = Math.max(newest, stats.ctimeMs, stats.mtimeMs);
        marks.push(`${JSON.stringify(path)} ${stats.mode} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`);
        if (marks.length > MAX_LOOKED_AT) return undefined;
      }
    }
  } catch {
    return undefined;
  }
  return { marks: marks.join('\n'), newest };
}
