import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { parseCommand, type ShellEnding } from '../../sandbox/index.ts';
import { errorAnswer, textAnswer, type ToolAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { keepTail, MAX_BYTES, MAX_LINES } from './truncate.ts';

/** More output than this is thrown away, not kept for later. */
const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;
/** Most often that somebody who watches is told of new output, in milliseconds. */
const UPDATE_EVERY_MS = 100;

/** Runs a shell command in the workspace, confined by the operating system unless that was asked and approved. */
export function bashTool({ shell, confinement, mayUncover, askedMs }: Workspace): BuiltinTool {
  const howToRun = (unconfined: boolean | undefined): Promise<'confined' | 'full access'> =>
    unconfined === true ? Promise.resolve('full access') : confinement();
  return defineTool({
    name: 'bash',
    description: `Run a command with bash in the working directory; gives stdout and stderr. It is confined: no network, an empty home directory, secrets hidden; of .git, hooks and configuration are read-only, and so are node_modules and the directories of editors and agents. Output is cut to its last ${MAX_LINES} lines or ${MAX_BYTES / 1024} KB; the whole is then kept in a file.`,
    parameters: Type.Object({
      command: Type.String({ description: 'the command' }),
      timeout: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'seconds until it is ended; none by default' })),
      unconfined: Type.Optional(Type.Boolean({ description: 'ask the user to run it with all their rights, e.g. because it needs the network' })),
    }),
    // What is compared around a command must not be the work of another call.
    executionMode: 'sequential',
    async accesses({ command, unconfined }) {
      const parsed = parseCommand(command);
      const argv = parsed.kind === 'words' ? parsed.argv : ['sh', '-c', parsed.text];
      return [{ kind: 'run', command, argv, confinement: await howToRun(unconfined) }];
    },
    async run({ command, timeout, unconfined }, { signal, onUpdate, onWaited }) {
      const asked = askedMs();
      const output = createOutput((text) => onUpdate(textAnswer(text)));
      const run = (await howToRun(unconfined)) === 'confined' ? shell.run : shell.runUnconfined;
      const how = { signal, onOutput: output.take, ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }) };
      let ended = await run(command, how);
      if (ended.refused.length > 0 && (await mayUncover(command, ended.refused, signal))) {
        output.take(Buffer.from('\n[allowed by the user, and run again]\n'));
        ended = await run(command, { ...how, uncovered: ended.refused });
      }
      onWaited(askedMs() - asked);
      const text = await presentable(output.all(), ended.notes, () => shell.scratch());
      return answerOf(text, ended, timeout);
    },
  });
}

function answerOf(text: string, { code, stopped, confined, undone, signal }: ShellEnding, timeout: number | undefined): ToolAnswer {
  const details = { exitCode: code, confined, undone: undone.map(({ path, kind, aside }) => ({ path, kind, aside })) };
  const why = {
    aborted: '[aborted]',
    timeout: `[ended after ${timeout} seconds]`,
    output: '[ended: too much output]',
    processes: '[ended: too many processes]',
    memory: '[ended: too much memory]',
  } as const;
  if (stopped !== undefined) return { ...errorAnswer(`${text}\n\n${why[stopped]}`), details };
  if (code === 0) return textAnswer(text, details);
  return { ...errorAnswer(`${text}\n\n[${code === null ? `ended by ${signal}` : `exit code ${code}`}]`), details };
}

interface Output {
  readonly take: (chunk: Buffer) => void;
  all(): string;
}

/** Collects output and tells of its end now and then: whoever watches a fast command sees pieces of it. */
function createOutput(tell: (text: string) => void): Output {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let toldAt = -Infinity;
  return {
    take(chunk) {
      if (bytes >= MAX_CAPTURE_BYTES) return;
      bytes += chunk.length;
      chunks.push(chunk);
      const now = performance.now();
      if (now - toldAt < UPDATE_EVERY_MS) return;
      toldAt = now;
      tell(keepTail(lastOf(chunks, 2 * MAX_BYTES)).text);
    },
    all: () => Buffer.concat(chunks).toString('utf8'),
  };
}

function lastOf(chunks: readonly Buffer[], enough: number): string {
  let bytes = 0;
  let first = chunks.length;
  while (first > 0 && bytes < enough) bytes += chunks[--first]?.length ?? 0;
  return Buffer.concat(chunks.slice(first)).toString('utf8');
}

async function presentable(output: string, notes: string, scratch: () => Promise<string>): Promise<string> {
  const { text, truncated, keptLines, totalLines } = keepTail(output.trimEnd());
  const end = notes === '' ? '' : `\n\n${notes.trimEnd()}`;
  if (!truncated) return text === '' && end === '' ? '(no output)' : `${text}${end}`.trimStart();
  const file = join(await scratch(), `output-${randomUUID()}.log`);
  await writeFile(file, output, { flag: 'wx', mode: 0o644 });
  return `[the last ${keptLines} of ${totalLines} lines; the whole is in ${file}]\n${text}${end}`;
}
