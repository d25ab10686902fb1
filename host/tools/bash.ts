import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { errorAnswer, textAnswer, type ToolAnswer } from '../tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { toolEnvironment } from './tool-environment.ts';
import { keepTail, MAX_BYTES, MAX_LINES } from './truncate.ts';

/** More output than this is thrown away, not kept for later. */
const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;

/** Runs a shell command in the workspace. */
export function bashTool({ cwd, env }: Workspace): BuiltinTool {
  return defineTool({
    name: 'bash',
    description: `Run a command with bash in the working directory; gives stdout and stderr. Output is cut to its last ${MAX_LINES} lines or ${MAX_BYTES / 1024} KB; the whole is then kept in a file.`,
    parameters: Type.Object({
      command: Type.String({ description: 'the command' }),
      timeout: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'seconds until it is ended; none by default' })),
    }),
    accesses: ({ command }) => [{ kind: 'run', command }],
    async run({ command, timeout }, { signal, onUpdate }) {
      const ended = await runCommand(command, {
        cwd,
        env: toolEnvironment(env),
        signal: timeout === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeout * 1000)]),
        onOutput: (output) => onUpdate(textAnswer(keepTail(output).text)),
      });
      const text = await presentable(ended.output);
      if (signal.aborted) return errorAnswer(`${text}\n\n[aborted]`);
      if (ended.kind === 'cut off') return errorAnswer(`${text}\n\n[ended after ${timeout} seconds]`);
      return ended.code === 0 ? textAnswer(text) : withDetails(errorAnswer(`${text}\n\n[exit code ${ended.code ?? 'none'}]`), ended.code);
    },
  });
}

type Ended = { readonly kind: 'exited'; readonly code: number | null; readonly output: string } | { readonly kind: 'cut off'; readonly output: string };

interface CommandOptions {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly signal: AbortSignal;
  readonly onOutput: (output: string) => void;
}

function runCommand(command: string, { cwd, env, signal, onOutput }: CommandOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve({ kind: 'cut off', output: '' });
    // A group of its own, so that everything the command has started ends with it.
    const child = spawn('bash', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const output = (): string => Buffer.concat(chunks).toString('utf8');
    const take = (chunk: Buffer): void => {
      if (bytes >= MAX_CAPTURE_BYTES) return;
      bytes += chunk.length;
      chunks.push(chunk);
      onOutput(output());
    };
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    };
    signal.addEventListener('abort', end, { once: true });
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', end);
      end();
      resolve(signal.aborted ? { kind: 'cut off', output: output() } : { kind: 'exited', code, output: output() });
    });
  });
}

async function presentable(output: string): Promise<string> {
  const { text, truncated, keptLines, totalLines } = keepTail(output.trimEnd());
  if (!truncated) return text === '' ? '(no output)' : text;
  const file = join(tmpdir(), `dash-bash-${randomUUID()}.log`);
  await writeFile(file, output, { mode: 0o600 });
  return `[the last ${keptLines} of ${totalLines} lines; the whole is in ${file}]\n${text}`;
}

function withDetails(answer: ToolAnswer, code: number | null): ToolAnswer {
  return { ...answer, details: { exitCode: code } };
}
