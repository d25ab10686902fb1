import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Shell } from '../sandbox/index.ts';
import { keepTail } from './tools/truncate.ts';

/** What a command of the user's did, under pi's names. */
export interface BashResult {
  readonly output: string;
  readonly exitCode: number | undefined;
  readonly cancelled: boolean;
  readonly truncated: boolean;
  readonly fullOutputPath?: string;
}

/** Commands that the user types themselves: nobody has to be asked, and nothing is kept from them. */
export interface UserBash {
  run(command: string, onOutput: (delta: string) => void): Promise<BashResult>;
  /** Ends every one that runs. */
  abort(): void;
}

/** More output than this is thrown away. */
const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;

/** Runs commands of the user's in `shell`. */
export function createUserBash(shell: Pick<Shell, 'runUnconfined' | 'scratch'>): UserBash {
  const running = new Set<AbortController>();
  return {
    async run(command, onOutput) {
      const controller = new AbortController();
      running.add(controller);
      const decoder = new TextDecoder();
      let output = '';
      try {
        const { code, stopped } = await shell.runUnconfined(command, {
          signal: controller.signal,
          onOutput(chunk) {
            const delta = decoder.decode(chunk, { stream: true });
            if (output.length < MAX_CAPTURE_BYTES) output += delta;
            onOutput(delta);
          },
        });
        return { ...(await shortened(output, () => shell.scratch())), exitCode: code ?? undefined, cancelled: stopped === 'aborted' };
      } finally {
        running.delete(controller);
      }
    },
    abort() {
      for (const controller of running) controller.abort();
    },
  };
}

async function shortened(output: string, scratch: () => Promise<string>): Promise<Pick<BashResult, 'output' | 'truncated' | 'fullOutputPath'>> {
  const { text, truncated } = keepTail(output.trimEnd());
  if (!truncated) return { output: text, truncated };
  const fullOutputPath = join(await scratch(), `output-${randomUUID()}.log`);
  await writeFile(fullOutputPath, output, { flag: 'wx', mode: 0o600 });
  return { output: text, truncated, fullOutputPath };
}
