import { StringDecoder } from 'node:string_decoder';
import type { Confinement, Shell } from '../../sandbox/index.ts';
import type { ProgramServer } from './mcp-server.ts';
import { wholeLines } from './whole-lines.ts';
import { DEAF, MAX_MESSAGE, MAX_UNTAKEN, type Wire, type WireEvents } from './wire.ts';

const MAX_STDERR = 2_000;

/** Starts a program and speaks with it over lines of JSON. Whether it may run was decided before. */
export async function openProgramWire(
  { command: program, args, env }: ProgramServer,
  {
    shell,
    environment,
    confinement,
  }: { readonly shell: Pick<Shell, 'serve'>; readonly environment: Readonly<Record<string, string>>; readonly confinement: Confinement },
  { message, ended }: WireEvents,
): Promise<Wire> {
  const stop = new AbortController();
  const decoder = new StringDecoder('utf8');
  let stderr = '';
  const text = wholeLines('\n');
  const read = (bytes: Buffer): void => {
    for (const line of text.add(decoder.write(bytes))) message(line);
    if (text.waiting > MAX_MESSAGE) ended('it wrote a line without an end');
  };
  const process = await shell.serve({ program, args, environment: { ...environment, ...env } }, confinement, {
    signal: stop.signal,
    onOutput: (stream, bytes) => (stream === 'stdout' ? read(bytes) : void (stderr = (stderr + bytes.toString('utf8')).slice(-MAX_STDERR))),
  });
  const over = process.ended.then(
    ({ code, signal: by }) => ended([code === null ? `ended by ${by}` : `exit code ${code}`, stderr.trim()].filter((part) => part !== '').join(': ')),
    (error: unknown) => ended(error instanceof Error ? error.message : String(error)),
  );
  return {
    send(outgoing) {
      process.stdin.write(`${JSON.stringify(outgoing)}\n`);
      if (process.stdin.writableLength > MAX_UNTAKEN.characters) ended(DEAF);
    },
    negotiated: () => undefined,
    async close() {
      stop.abort();
      await over;
    },
  };
}
