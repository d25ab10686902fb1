import type IsolatedVm from 'isolated-vm';
import type { ScriptSource } from './protocol.ts';

/**
 * One V8 isolate with the guest runtime in it. This is the only file that touches isolated-vm, and it runs
 * in the sandbox process only, never in the agent's.
 */
export interface GuestIsolate {
  /** Hands a serialised message to the guest; resolves when its synchronous part and microtasks are done. */
  tell(text: string): Promise<void>;
  dispose(): void;
  /** Whether the isolate is at its end: V8 disposes one that meets its memory limit. */
  readonly isDisposed: boolean;
  /** Code caches made when `produceCache` was asked for, by script name, base64. */
  readonly caches: readonly { readonly name: string; readonly cache: string }[];
  /** Names of scripts whose cache V8 did not accept (another Node, other flags): a miss, not an error. */
  readonly rejected: readonly string[];
}

export interface IsolateOptions {
  readonly memoryMiB: number;
  readonly core: ScriptSource;
  readonly parts: readonly ScriptSource[];
  /** JSON handed to the runtime before any bundle exists: facts, entries. */
  readonly setup: string;
  readonly bundles: readonly ScriptSource[];
  readonly produceCache: boolean;
  /** Receives what the guest posts. Must not throw: an exception of the host leaks host paths into the guest. */
  readonly post: (text: string) => void;
  /** Answers a synchronous request. Must never reject, for the same reason. */
  readonly ask: (text: string) => Promise<string>;
  readonly onCatastrophe: (message: string) => void;
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

export async function createIsolate(ivm: typeof IsolatedVm, options: IsolateOptions): Promise<GuestIsolate> {
  const isolate = new ivm.Isolate({ memoryLimit: options.memoryMiB, onCatastrophicError: options.onCatastrophe });
  const context = await isolate.createContext();
  const caches: { name: string; cache: string }[] = [];
  const rejected: string[] = [];
  const runtime = await run(options.core);

  // Only two things enter the isolate, both into the closure of the bootstrap: a callback whose result is
  // ignored and a Reference that the bootstrap calls through a Reflect.apply captured before guest code exists.
  const guest = (await runtime.apply(undefined, [new ivm.Callback(options.post, { ignored: true }), new ivm.Reference(options.ask), options.setup], {
    result: { reference: true },
  })) as IsolatedVm.Reference;
  const [tell, addPart, addBundle] = await Promise.all([member('tell'), member('addPart'), member('addBundle')]);

  for (const part of options.parts) {
    const script = await run(part);
    await addPart.apply(undefined, [script.derefInto()]);
  }
  for (const [index, bundle] of options.bundles.entries()) {
    const script = await run(bundle);
    await addBundle.apply(undefined, [index, script.derefInto()]);
  }
  return {
    tell: async (text) => {
      await tell.apply(undefined, [text]);
    },
    dispose: () => isolate.dispose(),
    get isDisposed() {
      return isolate.isDisposed;
    },
    caches,
    rejected,
  };

  /** Every script is one function expression: evaluating it runs no code of its author. */
  async function run({ name, source, cache }: ScriptSource): Promise<IsolatedVm.Reference<GuestFunction>> {
    const cachedData = cache === undefined ? undefined : new ivm.ExternalCopy(toArrayBuffer(Buffer.from(cache, 'base64')));
    const script = await isolate.compileScript(source, {
      filename: name,
      ...(cachedData && { cachedData }),
      ...(options.produceCache && { produceCachedData: true }),
    });
    // isolated-vm's types leave these two out of the asynchronous form.
    const { cachedData: produced, cachedDataRejected } = script as { cachedData?: IsolatedVm.ExternalCopy<ArrayBuffer>; cachedDataRejected?: boolean };
    if (cachedDataRejected === true) rejected.push(name);
    if (options.produceCache && produced !== undefined) {
      caches.push({ name, cache: Buffer.from(produced.copy()).toString('base64') });
    }
    return script.run(context, { reference: true }) as Promise<IsolatedVm.Reference<GuestFunction>>;
  }

  async function member(name: string): Promise<IsolatedVm.Reference<GuestFunction>> {
    return guest.get(name as never, { reference: true }) as Promise<IsolatedVm.Reference<GuestFunction>>;
  }
}

function toArrayBuffer(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}
