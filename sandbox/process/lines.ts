import type { Readable } from 'node:stream';

/**
 * Splits a stream into lines. A line longer than `maxBytes` ends the reading: `onTooLong` is called once and
 * nothing after it is delivered, so a hostile writer cannot make the reader keep more than one line.
 */
export function readLines(stream: Readable, maxBytes: number, onLine: (line: string) => void, onTooLong?: () => void): void {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let ended = false;

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    while (!ended) {
      const end = chunk.indexOf(0x0a, start);
      if (end === -1) break;
      const line = pendingBytes === 0 ? chunk.toString('utf8', start, end) : joined(chunk.subarray(start, end));
      start = end + 1;
      if (line.length > maxBytes) return stop();
      onLine(line);
    }
    if (ended || start >= chunk.length) return;
    const rest = chunk.subarray(start);
    pending.push(rest);
    pendingBytes += rest.length;
    if (pendingBytes > maxBytes) stop();
  });

  function joined(last: Buffer): string {
    const whole = Buffer.concat([...pending, last]).toString('utf8');
    pending = [];
    pendingBytes = 0;
    return whole;
  }

  function stop(): void {
    ended = true;
    pending = [];
    stream.pause();
    onTooLong?.();
  }
}
