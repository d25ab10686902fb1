/** pi's BashOperations, as far as a handler of `user_bash` answers with them. */
interface BashOperations {
  exec(command: string, cwd: string, options: { onData(data: Uint8Array): void; signal?: AbortSignal }): Promise<{ exitCode: number | null }>;
}

/**
 * What a handler answers, as data. One of `user_bash` may answer with what is to run the command: functions do not leave the
 * guest, so it is run here, and its outcome is the answer.
 */
export async function answerAsData(value: unknown, event: unknown, signal: AbortSignal): Promise<unknown> {
  if (!isUserBash(event) || typeof value !== 'object' || value === null || !('operations' in value)) return value;
  const { operations } = value as { operations?: BashOperations };
  if (typeof operations?.exec !== 'function') return value;
  const chunks: Uint8Array[] = [];
  let size = 0;
  const onData = (data: Uint8Array): void => {
    size += data.length;
    if (size <= MOST_BYTES) chunks.push(data);
  };
  const { exitCode } = await operations.exec(event.command, event.cwd, { onData, signal });
  const decoder = new TextDecoder();
  const output = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode();
  return { result: { output, ...(exitCode !== null && { exitCode }), cancelled: signal.aborted, truncated: size > MOST_BYTES } };
}

/** More than anybody reads of one command. */
const MOST_BYTES = 1_000_000;

function isUserBash(event: unknown): event is { readonly command: string; readonly cwd: string } {
  return typeof event === 'object' && event !== null && 'type' in event && event.type === 'user_bash' && 'command' in event && 'cwd' in event;
}
