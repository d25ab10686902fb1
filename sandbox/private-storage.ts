import { lstat, readdir } from 'node:fs/promises';
import { CapabilityFailure } from './define-capability.ts';

/** An empty file and a directory take a block, too: a million of them fill a disk. */
const BLOCK_BYTES = 4_096;

const COUNT_EVERY_MS = 500;

/** What lies in a package's private directories, and how much may. */
export class PrivateStorage {
  readonly #directories: readonly string[];
  readonly #maxBytes: number;
  readonly #whose: string;
  /** At least what is there: what was deleted since is found out when it matters. */
  #used: number | undefined;
  /** Counted, and perhaps not written yet. */
  #underWay = 0;

  constructor(whose: string, directories: readonly string[], maxBytes: number) {
    this.#whose = whose;
    this.#directories = directories;
    this.#maxBytes = maxBytes;
  }

  /**
   * Counts what is about to be written to `path`, unless that lies elsewhere. To be disposed of when the bytes are there:
   * until then nobody who measures would see them.
   *
   * @throws {CapabilityFailure} EDQUOT when it would be more than the package may keep
   */
  async reserve(path: string, bytes: number, writes: 'anew' | 'more' = 'anew'): Promise<Disposable> {
    if (!this.#directories.some((directory) => path.startsWith(`${directory}/`))) return NOTHING;
    const wanted = Math.max(Math.ceil(bytes / BLOCK_BYTES), 1) * BLOCK_BYTES;
    this.#used ??= await this.#measure();
    if (this.#used + wanted > this.#maxBytes) {
      const replaced = writes === 'anew' ? await sizeOf(path) : 0;
      this.#used = (await this.#measure()) + this.#underWay - replaced;
    }
    if (this.#used + wanted > this.#maxBytes) throw exceeded(this.#whose, this.#maxBytes);
    this.#used += wanted;
    this.#underWay += wanted;
    return { [Symbol.dispose]: () => void (this.#underWay -= wanted) };
  }

  /** Before a program starts, which writes without asking. @throws {CapabilityFailure} EDQUOT when it is full already */
  async assertRoom(): Promise<void> {
    this.#used = await this.#measure();
    if (this.#used >= this.#maxBytes) throw exceeded(this.#whose, this.#maxBytes);
  }

  /**
   * Counts what a program has written that does not ask, and says when that is too much: while it runs, so that it can be
   * ended.
   */
  watch(onExcess: () => void): Disposable {
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const look = async (): Promise<void> => {
      const began = performance.now();
      if ((await this.excess()) !== undefined && !isOver) return onExcess();
      // A large tree is not counted all the time.
      if (!isOver) timer = setTimeout(() => void look(), Math.max(COUNT_EVERY_MS, 20 * (performance.now() - began))).unref();
    };
    timer = setTimeout(() => void look(), COUNT_EVERY_MS).unref();
    return {
      [Symbol.dispose]() {
        isOver = true;
        clearTimeout(timer);
      },
    };
  }

  /** Counts again. @returns what is too much, in words for whoever reads a program's errors */
  async excess(): Promise<string | undefined> {
    this.#used = (await this.#measure()) + this.#underWay;
    return this.#used > this.#maxBytes ? `dash: ${exceeded(this.#whose, this.#maxBytes).message}\n` : undefined;
  }

  async #measure(): Promise<number> {
    const sizes = await Promise.all(this.#directories.map((directory) => treeSize(directory)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

const NOTHING: Disposable = { [Symbol.dispose]: () => undefined };

/** Names are bytes here: a program of the package may choose ones that no string says. What cannot be looked into is too much. */
async function treeSize(root: string): Promise<number> {
  let bytes = 0;
  const pending: Buffer[] = [Buffer.from(root)];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' }).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? [] : undefined,
    );
    if (entries === undefined) return Infinity;
    for (const entry of entries) {
      const path = Buffer.concat([directory, SLASH, entry.name]);
      bytes += entry.isDirectory() ? BLOCK_BYTES : await sizeOf(path);
      if (entry.isDirectory()) pending.push(path);
    }
  }
  return bytes;
}

const SLASH = Buffer.from('/');

/** Of a file, in whole blocks; 0 where there is none. */
async function sizeOf(path: string | Buffer): Promise<number> {
  const stats = await lstat(path).catch(() => undefined);
  return stats === undefined || stats.isDirectory() ? 0 : Math.max(Math.ceil(stats.size / BLOCK_BYTES), 1) * BLOCK_BYTES;
}

function exceeded(whose: string, maxBytes: number): CapabilityFailure {
  return new CapabilityFailure({
    code: 'EDQUOT',
    errno: -122,
    syscall: 'write',
    message: `EDQUOT: disk quota exceeded: ${whose} keeps at most ${Math.floor(maxBytes / 1_048_576)} MiB in its private directories`,
  });
}
