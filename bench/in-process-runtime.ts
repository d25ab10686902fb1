import ivm from 'isolated-vm';
import { createIsolate, type GuestIsolate } from '../sandbox/isolate.ts';
import type { ScriptSource } from '../sandbox/protocol.ts';
import { GUEST_MEMORY_MIB } from '../sandbox/process/limits.ts';
import { runtimeScript } from '../sandbox/process/runtime-files.ts';
import type { ProcessListener, SandboxProcess } from '../sandbox/process/sandbox-process.ts';
import { SpareProcess } from '../sandbox/process/spare-process.ts';

/**
 * What a package would cost without a process of its own: our runtime, our broker and our trail, and the isolate in the
 * agent's process. It exists to be measured: an isolate that wedges takes its process with it.
 */
export class InProcessRuntime extends SpareProcess {
  override take(listener: ProcessListener): SandboxProcess {
    // What a session uses of a process; the rest of it is about processes.
    return inProcess(listener) as unknown as SandboxProcess;
  }
}

type Used = Pick<SandboxProcess, 'pid' | 'open' | 'tell' | 'rest' | 'residentMiB' | 'ref' | 'unref' | 'kill'>;

function inProcess(listener: ProcessListener): Used {
  const prepared: Promise<GuestIsolate> = createIsolate(ivm, {
    memoryMiB: GUEST_MEMORY_MIB,
    core: copied(runtimeScript('core')),
    post: (text) => {
      if (text.startsWith('M')) setImmediate(() => listener.guest(text.slice(1)));
    },
    ask: (text) => new Promise((resolve) => listener.ask(text, resolve)),
    onCatastrophe: (reason) => {
      throw new Error(reason);
    },
  });
  let queue: Promise<unknown> = prepared;
  return {
    pid: process.pid,
    residentMiB: 0,
    async open(message) {
      const { caches, rejected } = await (await prepared).open({ ...message, parts: message.parts.map(copied), bundles: message.bundles.map(copied) });
      return { kind: 'opened', caches: [...caches], rejected: [...rejected] };
    },
    tell(message) {
      queue = queue.then(async () => (await prepared).tell(JSON.stringify(message)));
    },
    rest: () => queue.then(() => 0),
    ref: () => undefined,
    unref: () => undefined,
    kill: () => {
      void prepared.then((isolate) => isolate.dispose());
      listener.ended(undefined);
    },
  };
}

/** An isolate takes over the bytes it is given; here they are the agent's. */
function copied({ name, source, cache }: ScriptSource): ScriptSource {
  return { name, source: new Uint8Array(source), ...(cache !== undefined && { cache: new Uint8Array(cache) }) };
}
