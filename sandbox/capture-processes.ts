import type { ProcessListener, SandboxProcess } from './process/sandbox-process.ts';
import { prepareProcess, readyForTools } from './process/spare-process.ts';
import { prepareConfinement } from './process/spawn-process.ts';

/** An author who has changed a file will soon change it again; whoever installed something will not. */
const IDLE_MS = 5 * 60_000;

/**
 * Processes with our runtime in them and nothing else, for the captures of the package that is compiled next. Each is
 * handed out once. They end with us, or when nobody has wanted one for a while.
 */
export class CaptureProcesses {
  readonly #count: number;
  readonly #prepared: SandboxProcess[] = [];
  #idle: NodeJS.Timeout | undefined;

  /** @param count how many one capture takes */
  constructor(count: number) {
    this.#count = count;
  }

  async prepare(): Promise<void> {
    await prepareConfinement(); // whoever takes one of them relies on what confines it
    while (this.#prepared.length < this.#count) this.#prepared.push(this.#start());
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#endAll(), IDLE_MS).unref();
  }

  take(listener: ProcessListener): SandboxProcess {
    const process = this.#prepared.shift();
    if (process === undefined) return prepareProcess(listener);
    process.listener = listener;
    process.ref();
    return process;
  }

  #start(): SandboxProcess {
    const process: SandboxProcess = prepareProcess(
      {
        guest: nobodyListens,
        ask: (_text, reply) => reply('{}'),
        stuck: nobodyListens,
        ended: () => {
          const at = this.#prepared.indexOf(process);
          if (at !== -1) this.#prepared.splice(at, 1);
        },
      },
      readyForTools(),
    );
    process.unref();
    return process;
  }

  #endAll(): void {
    for (const process of this.#prepared.splice(0)) process.kill();
  }
}

function nobodyListens(): void {
  // there is no guest yet
}
