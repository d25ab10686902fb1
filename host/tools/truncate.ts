/** Most lines and bytes of a tool's text; more is cut, with a way to read on. */
export const MAX_LINES = 2000;
export const MAX_BYTES = 50 * 1024;

export interface Truncation {
  readonly text: string;
  readonly truncated: boolean;
  /** Lines that were kept, and lines there were. */
  readonly keptLines: number;
  readonly totalLines: number;
}

/** Keeps the beginning of a text, in whole lines as far as the first line allows. */
export function keepHead(text: string, maxLines = MAX_LINES, maxBytes = MAX_BYTES): Truncation {
  const lines = text.split('\n');
  let bytes = 0;
  let kept = 0;
  while (kept < lines.length && kept < maxLines) {
    bytes += Buffer.byteLength(lines[kept] ?? '') + 1;
    if (bytes > maxBytes + 1) break;
    kept += 1;
  }
  if (kept === lines.length) return { text, truncated: false, keptLines: kept, totalLines: kept };
  const head = kept === 0 ? cutBytes(lines[0] ?? '', maxBytes) : lines.slice(0, kept).join('\n');
  return { text: head, truncated: true, keptLines: Math.max(kept, 1), totalLines: lines.length };
}

/** Keeps the end of a text, in whole lines as far as the last line allows. */
export function keepTail(text: string, maxLines = MAX_LINES, maxBytes = MAX_BYTES): Truncation {
  const lines = text.split('\n');
  let bytes = 0;
  let first = lines.length;
  while (first > 0 && lines.length - first < maxLines) {
    bytes += Buffer.byteLength(lines[first - 1] ?? '') + 1;
    if (bytes > maxBytes + 1) break;
    first -= 1;
  }
  if (first === 0) return { text, truncated: false, keptLines: lines.length, totalLines: lines.length };
  const tail = first === lines.length ? (lines.at(-1)?.slice(-maxBytes) ?? '') : lines.slice(first).join('\n');
  return { text: tail, truncated: true, keptLines: Math.max(lines.length - first, 1), totalLines: lines.length };
}

function cutBytes(text: string, maxBytes: number): string {
  // `toString` turns a character cut in half into one replacement character, which is dropped.
  return Buffer.from(text)
    .subarray(0, maxBytes)
    .toString()
    .replace(/\uFFFD$/, '');
}
