import { readFile } from 'node:fs/promises';

/** A text file as a model sees it: without a byte order mark, lines ended by `\n`. */
export interface TextFile {
  readonly text: string;
  /** Gives changed text the mark and the line ends of the file. */
  readonly encode: (text: string) => string;
}

/** Reads a text file that is going to be written again. @throws for bytes that are no UTF-8: they would not come back */
export async function readTextFile(file: string, shown: string, signal?: AbortSignal): Promise<TextFile> {
  const bytes = await readFile(file, { signal });
  const whole = bytes.toString('utf8');
  if (!Buffer.from(whole).equals(bytes)) throw new Error(`\`${shown}\` is not UTF-8 text; change it with a program that knows its encoding`);
  const mark = whole.startsWith('\uFEFF') ? '\uFEFF' : '';
  const body = whole.slice(mark.length);
  // Only where every line ends so: in a mixed file each end is part of the text.
  const isCrlf = body.includes('\r\n') && !/(^|[^\r])\n/.test(body);
  return {
    text: isCrlf ? body.replaceAll('\r\n', '\n') : body,
    encode: (text) => mark + (isCrlf ? text.replaceAll(/\r?\n/g, '\r\n') : text),
  };
}
