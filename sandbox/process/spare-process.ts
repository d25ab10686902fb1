import type { ScriptSource } from '../protocol.ts';
import type { Engine } from './layers.ts';
import { GUEST_MEMORY_MIB } from './limits.ts';
import { programPath, runtimeScript } from './runtime-files.ts';
import { SandboxProcess, type ProcessListener } from './sandbox-process.ts';
import { prepareConfinement } from './spawn-process.ts';

/** How long after a process was taken the next one is made: first the package that took it has the processor. */
const REFILL_AFTER_MS = 500;

/**
 * One sandbox process in which our own runtime has run and nothing else, for whichever package wakes next. It is
 * handed out once: a process in which code of a package ran belongs to that package until it dies.
 */
export class SpareProcess implements Disposable {
  #process: SandboxProcess | undefined;
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Has one made soon, unless there is one. It does not keep the agent from ending. */
  keep(): void {
    if (this.#closed || this.#process !== undefined || this.#refill !== undefined) return;
    this.#refill = setTimeout(() => {
      // What confines it must be known: whoever takes it relies on that.
      void prepareConfinement().then(() => {
        this.#refill = undefined;
        if (!this.#closed) this.#process ??= this.#start();
      });
    }, REFILL_AFTER_MS);
    this.#refill.unref();
  }

  /** A process that is prepared, or on its way there. */
  take(listener: ProcessListener): SandboxProcess {
    const spare = this.#process ?? prepareProcess(listener);
    spare.listener = listener;
    this.#process = undefined;
    this.keep();
    return spare;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#refill);
    this.#process?.kill();
    this.#process = undefined;
  }

  #start(): SandboxProcess {
    const process = prepareProcess(
      {
        guest: nobodyListens,
        ask: (_text, reply) => reply('{}'),
        stuck: nobodyListens,
        // Not made again at once: what ends our own runtime would end the next one as well.
        ended: () => {
          if (this.#process === process) this.#process = undefined;
        },
      },
      readyForTools(),
    );
    process.unref();
    return process;
  }
}

/** Nearly every package has a tool, whose arguments are checked with these. */
export function readyForTools(): { readonly parts: readonly ScriptSource[]; readonly warm: readonly string[] } {
  return { parts: [runtimeScript('typebox')], warm: ['typebox', 'typebox/value'] };
}

/** A new process with the runtime's core in it. */
export function prepareProcess(
  listener: ProcessListener,
  { parts = [], warm = [], engine = 'jitless' }: { readonly parts?: readonly ScriptSource[]; readonly warm?: readonly string[]; readonly engine?: Engine } = {},
): SandboxProcess {
  const process = new SandboxProcess(programPath('sandbox-process'), listener, engine);
  process.prepare({ memoryMiB: GUEST_MEMORY_MIB, core: runtimeScript('core', engine), parts, warm });
  return process;
}

function nobodyListens(): void {
  // there is no guest yet
}
