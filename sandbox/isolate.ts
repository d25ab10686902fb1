import type IsolatedVm from 'isolated-vm';
import type { ScriptSource } from './protocol.ts';

/**
 * One V8 isolate with the guest runtime in it. This is the only file that touches isolated-vm, and it runs
 * in the sandbox process only, never in the agent's.
 */
export interface GuestIsolate {
  /** Adds a library of the runtime, once. */
  addPart(part: ScriptSource): Promise<void>;
  /** Evaluates a library of the runtime before anybody asks for it. */
  warm(module: string): Promise<void>;
  /** Tells the runtime its surroundings and hands it the package's scripts: from here on it belongs to one package. */
  open(options: OpenIsolateOptions): Promise<OpenedIsolate>;
  /** Hands a serialised message to the guest; resolves when its synchronous part and microtasks are done. */
  tell(text: string): Promise<void>;
  dispose(): void;
  /** Whether the isolate is at its end: V8 disposes one that meets its memory limit. */
  readonly isDisposed: boolean;
}

export interface IsolateOptions {
  readonly memoryMiB: number;
  readonly core: ScriptSource;
  /** Receives what the guest posts. Must not throw: an exception of the host leaks host paths into the guest. */
  readonly post: (text: string) => void;
  /** Answers a synchronous request. Must never reject, for the same reason. */
  readonly ask: (text: string) => Promise<string>;
  readonly onCatastrophe: (message: string) => void;
}

export interface OpenIsolateOptions {
  /** JSON handed to the runtime before any bundle exists: facts, clock, seed. */
  readonly setup: string;
  readonly parts: readonly ScriptSource[];
  readonly bundles: readonly ScriptSource[];
  readonly produceCache: boolean;
}

export interface OpenedIsolate {
  /** Code caches of the bundles, made when `produceCache` was asked for, by script name, base64. */
  readonly caches: readonly { readonly name: string; readonly cache: string }[];
  /** Names of scripts whose cache V8 did not accept (another Node, other flags): a miss, not an error. */
  readonly rejected: readonly string[];
}

/** A function of the guest: called by reference, its results are never trusted. */
type GuestFunction = (...args: unknown[]) => unknown;

/** Loads the native addon by path, so that the process needs read access to nothing else. */
export function loadAddon(path: string): typeof IsolatedVm {
  const module: { exports: { ivm?: typeof IsolatedVm } } = { exports: {} };
  process.dlopen(module, path);
  const ivm = module.exports.ivm ?? (module.exports as unknown as { default?: typeof IsolatedVm }).default;
  if (ivm === undefined) throw new Error('isolated-vm: the addon exports nothing');
  return ivm;
}

/** Makes an isolate and runs our own runtime in it; no code of any package is near yet. */
export async function createIsolate(ivm: typeof IsolatedVm, options: IsolateOptions): Promise<GuestIsolate> {
  const isolate = new ivm.Isolate({ memoryLimit: options.memoryMiB, onCatastrophicError: options.onCatastrophe });
  const context = await isolate.createContext();
  const caches: { name: string; cache: string }[] = [];
  const rejected: string[] = [];
  const added = new Set<string>();
  const runtime = await run(options.core);

  // Only two things enter the isolate, both into the closure of the bootstrap: a callback whose result is
  // ignored and a Reference that the bootstrap calls through a Reflect.apply captured before guest code exists.
  const guest = (await runtime.apply(undefined, [new ivm.Callback(options.post, { ignored: true }), new ivm.Reference(options.ask)], {
    result: { reference: true },
  })) as IsolatedVm.Reference;
  const [begin, tell, addPart, warm, addBundle] = await Promise.all([member('begin'), member('tell'), member('addPart'), member('warm'), member('addBundle')]);

  return {
    addPart: addOnce,
    warm: async (module) => {
      await warm.apply(undefined, [module]);
    },
    open: async ({ setup, parts, bundles, produceCache }) => {
      await begin.apply(undefined, [setup]);
      for (const part of parts) await addOnce(part);
      for (const [index, bundle] of bundles.entries()) {
        const script = await run(bundle, produceCache);
        await addBundle.apply(undefined, [index, script.derefInto()]);
      }
      return { caches, rejected };
    },
    tell: async (text) => {
      await tell.apply(undefined, [text]);
    },
    dispose: () => isolate.dispose(),
    get isDisposed() {
      return isolate.isDisposed;
    },
  };

  async function addOnce(part: ScriptSource): Promise<void> {
    if (added.has(part.name)) return;
    added.add(part.name);
    const script = await run(part);
    await addPart.apply(undefined, [script.derefInto()]);
  }

  /** Every script is one function expression: evaluating it runs no code of its author. */
  async function run({ name, source, cache }: ScriptSource, produceCache = false): Promise<IsolatedVm.Reference<GuestFunction>> {
    // Handed over, not copied: they are large, and nobody here reads them again.
    const cachedData = cache === undefined ? undefined : new ivm.ExternalCopy(cache.buffer, { transferOut: true });
    const script = await isolate.compileScript(Buffer.from(source.buffer).toString('utf8'), {
      filename: name,
      ...(cachedData && { cachedData }),
      ...(produceCache && { produceCachedData: true }),
    });
    // isolated-vm's types leave these two out of the asynchronous form.
    const { cachedData: produced, cachedDataRejected } = script as { cachedData?: IsolatedVm.ExternalCopy<ArrayBuffer>; cachedDataRejected?: boolean };
    if (cachedDataRejected === true) rejected.push(name);
    if (produced !== undefined) caches.push({ name, cache: Buffer.from(produced.copy()).toString('base64') });
    return script.run(context, { reference: true }) as Promise<IsolatedVm.Reference<GuestFunction>>;
  }

  async function member(name: string): Promise<IsolatedVm.Reference<GuestFunction>> {
    return guest.get(name as never, { reference: true }) as Promise<IsolatedVm.Reference<GuestFunction>>;
  }
}
