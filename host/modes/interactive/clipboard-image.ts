import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ImageContent } from '../../model/messages.ts';

const run = promisify(execFile);
/** What providers take. */
const MAX_BYTES = 8 * 1024 * 1024;

/** The programs that give the image in the clipboard, by what they need; the first that answers counts. */
const READERS: readonly (readonly [string, ...string[]])[] = [
  ['wl-paste', '--no-newline', '--type', 'image/png'],
  ['xclip', '-selection', 'clipboard', '-t', 'image/png', '-o'],
  ['pngpaste', '-'],
];

/** The image in the clipboard, if there is one and a program that can read it. */
export async function clipboardImage(env: Readonly<Record<string, string | undefined>>): Promise<ImageContent | undefined> {
  for (const [command, ...args] of READERS) {
    const found = await run(command, args, { encoding: 'buffer', maxBuffer: MAX_BYTES, timeout: 3000, env: { ...env } }).catch(() => undefined);
    if (found !== undefined && isPng(found.stdout)) return { type: 'image', data: found.stdout.toString('base64'), mimeType: 'image/png' };
  }
  return undefined;
}

function isPng(data: Buffer): boolean {
  return data.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
}
