import { readFile, writeFile } from 'node:fs/promises';
import type { OpenFiles } from './open-files.ts';

/** A text file as a model sees it: without a byte order mark, lines ended by `\n`. */
export interface TextFile {
  readonly text: string;
  /** Gives changed text the mark and the line ends of the file. */
  readonly encode: (text: string) => string;
}

/** Reads a text file that is going to be written again. @throws for bytes that are no UTF-8: they would not come back */
export async function readTextFile(file: string, shown: string, openFiles: OpenFiles, signal?: AbortSignal): Promise<TextFile> {
  const open = await openFiles.read(file, signal);
  if (open !== undefined) return textFile(open);
  const bytes = await readFile(file, { signal });
  const whole = bytes.toString('utf8');
  if (!Buffer.from(whole).equals(bytes)) throw new Error(`\`${shown}\` is not UTF-8 text; change it with a program that knows its encoding`);
  return textFile(whole);
}

/** Writes it where it is open, otherwise to the disk. */
export async function writeTextFile(file: string, text: string, openFiles: OpenFiles, signal?: AbortSignal): Promise<void> {
  if (!(await openFiles.write(file, text, signal))) await writeFile(file, text, { signal });
}

function textFile(whole: string): TextFile {
  const mark = whole.startsWith('\uFEFF') ? '\uFEFF' : '';
  const body = whole.slice(mark.length);
  // Only where every line ends so: in a mixed file each end is part of the text.
  const isCrlf = body.includes('\r\n') && !/(^|[^\r])\n/.test(body);
  return {
    text: isCrlf ? body.replaceAll('\r\n', '\n') : body,
    encode: (text) => mark + (isCrlf ? text.replaceAll(/\r?\n/g, '\r\n') : text),
  };
}
