import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { BundleStore } from '../compile/bundle-store.ts';
import { ENGINE_FLAGS, type Engine } from './layers.ts';
import { RUNTIME_SCRIPTS, type RuntimeScript, runtimeScript, scriptPath, takeRuntimeCaches } from './runtime-files.ts';
import { prepareConfinement, spawnCacheProducer } from './spawn-process.ts';

/**
 * Code caches of our own runtime. Those that come with Dash are for the machine that built it, and for `jitless`; on any
 * other they are made once, in a process as confined as a package's, and kept below DASH_HOME. What is handed to V8 is
 * checked here on those very bytes: V8 itself compares no more of a script than its length. Nothing of a package takes
 * part: the files lie where packages may not write, and the process reads the runtime's scripts and nothing else.
 */
const Index = Type.Array(
  Type.Object(
    { name: Type.Union(RUNTIME_SCRIPTS.map((name) => Type.Literal(name))), source: Type.String(), cache: Type.String() },
    { additionalProperties: false },
  ),
);
const Produced = Type.Array(
  Type.Object({ name: Type.Union(RUNTIME_SCRIPTS.map((name) => Type.Literal(name))), cache: Type.String() }, { additionalProperties: false }),
);

type Caches = ReadonlyMap<RuntimeScript, NonSharedBuffer>;

/** Of several machines and versions that share a home, those that were used last. */
const KEPT_SETS = 4;
const PRODUCE_TIMEOUT_MS = 60_000;
const MAX_PRODUCED_BYTES = 32 * 1024 * 1024;

/** What one run of Dash knows of them, for each home and engine. */
export class RuntimeCaches {
  readonly #looked = new Map<string, Promise<void>>();
  readonly #making = new Map<string, Promise<void>>();
  readonly #refused = new Set<string>();

  /** Takes up what was made for this machine. Where nothing fits, it is made beside what goes on, for the next start. */
  use(store: BundleStore, engine: Engine): Promise<void> {
    const directory = setDirectory(store, engine);
    const looking = this.#looked.get(directory) ?? this.#look(directory, engine);
    this.#looked.set(directory, looking);
    return looking;
  }

  /** The same, and settles when none are being made any more; whether they were or not. */
  async made(store: BundleStore, engine: Engine): Promise<void> {
    await this.use(store, engine);
    await this.#making.get(setDirectory(store, engine));
  }

  /** V8 did not take them: they are made anew, once. */
  async refuse(store: BundleStore, engine: Engine): Promise<void> {
    const directory = setDirectory(store, engine);
    if (this.#refused.has(directory)) return;
    this.#refused.add(directory);
    takeRuntimeCaches(engine, new Map());
    await this.#make(directory, engine);
  }

  async #look(directory: string, engine: Engine): Promise<void> {
    // Where there is a set although some come with Dash, those have been refused here before.
    if (!existsSync(directory) && runtimeScript('core', engine).cache !== undefined) return;
    const caches = await readSet(directory);
    if (caches !== undefined) takeRuntimeCaches(engine, caches);
    else void this.#make(directory, engine);
  }

  /** Whatever goes wrong: without them everything works, and takes a little longer. */
  #make(directory: string, engine: Engine): Promise<void> {
    const made = produce(engine)
      .then((caches) => keep(directory, caches).then(() => takeRuntimeCaches(engine, caches)))
      .catch(() => undefined);
    this.#making.set(directory, made);
    return made;
  }
}

export const runtimeCaches = new RuntimeCaches();

/** All of them as they were made for the scripts of this version, or nothing. */
async function readSet(directory: string): Promise<Caches | undefined> {
  try {
    const index: unknown = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
    if (!Value.Check(Index, index) || index.length !== RUNTIME_SCRIPTS.length) return undefined;
    const caches = new Map<RuntimeScript, NonSharedBuffer>();
    for (const { name, source, cache } of index) {
      const bytes = await readFile(join(directory, `${name}.cache`));
      if (sha256(bytes) !== cache || sha256(runtimeScript(name).source) !== source) return undefined;
      caches.set(name, bytes);
    }
    return caches.size === RUNTIME_SCRIPTS.length ? caches : undefined;
  } catch {
    return undefined; // whatever is wrong with them, they can be made again
  }
}

async function produce(engine: Engine): Promise<Caches> {
  await prepareConfinement();
  const child = spawnCacheProducer(
    RUNTIME_SCRIPTS.map((name) => ({ name, path: scriptPath(name) })),
    engine,
  );
  const output = child.stdout;
  if (output === null) throw new Error('it says nothing');
  const chunks: Buffer[] = [];
  let length = 0;
  output.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_PRODUCED_BYTES) child.kill('SIGKILL');
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), PRODUCE_TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve) => child.on('error', () => resolve(null)).on('close', resolve));
  clearTimeout(deadline);
  const answer: unknown = code === 0 ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined;
  if (!Value.Check(Produced, answer)) throw new Error('the caches of the runtime could not be made');
  return new Map(answer.map(({ name, cache }) => [name, Buffer.from(cache, 'base64')]));
}

/** All or none: in place by one rename. Of two agents that make them at once one is first. */
async function keep(directory: string, caches: Caches): Promise<void> {
  const temporary = `${directory}.${randomUUID()}.tmp`;
  try {
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    const index = [];
    for (const [name, bytes] of caches) {
      await writeFile(join(temporary, `${name}.cache`), bytes, { mode: 0o600 });
      index.push({ name, source: sha256(runtimeScript(name).source), cache: sha256(bytes) });
    }
    await writeFile(join(temporary, 'index.json'), JSON.stringify(index), { mode: 0o600 });
    await rm(directory, { recursive: true, force: true });
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  await dropOldSets(dirname(directory));
}

async function dropOldSets(directory: string): Promise<void> {
  const names = await readdir(directory);
  const sets = await Promise.all(names.map(async (name) => ({ path: join(directory, name), usedAt: (await stat(join(directory, name))).mtimeMs })));
  for (const { path } of sets.toSorted((a, b) => b.usedAt - a.usedAt).slice(KEPT_SETS)) await rm(path, { recursive: true, force: true });
}

/** By everything that V8 looks at, and the processor, at which it does not. */
function setDirectory({ directory }: BundleStore, engine: Engine): string {
  const machine = [process.version, process.versions.v8, process.platform, process.arch, ...ENGINE_FLAGS[engine]].join('\n');
  return join(dirname(directory), 'runtime-caches', sha256(Buffer.from(machine)).slice(0, 32));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
