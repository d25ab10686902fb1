import { fstatSync, writeSync } from 'node:fs';
import { styleText } from 'node:util';

/** A stream to write to, and what it can show. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** Its width now; 80 where there is none. */
  readonly columns: number;
  readonly style: Style;
  write(text: string): void;
}

/** Words for what text means; how that looks is decided here, once. Colour is never its only sign. */
export interface Style {
  strong(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warning(text: string): string;
  bad(text: string): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where output goes. */
export interface Output {
  readonly isTTY: boolean;
  /** Of the terminal, where it is one. */
  readonly columns?: number | undefined;
  write(text: string): void;
}

export function createTerminal(output: Output, env: Environment): Terminal {
  const isInteractive = output.isTTY && env['TERM'] !== 'dumb';
  const style = hasColour(isInteractive, env) ? COLOURED : PLAIN;
  return {
    isInteractive,
    style,
    get columns() {
      return output.columns ?? 80;
    },
    write: (text) => output.write(text),
  };
}

/**
 * Standard output (1) or error (2), without the streams of `process`: loading them takes as long as reading what is
 * installed. Whoever reads no longer (`dash list | head -1`) ends us quietly.
 */
export function standardOutput(fd: 1 | 2): Output {
  const isTTY = isTerminal(fd);
  return {
    isTTY,
    get columns() {
      return isTTY ? (fd === 1 ? process.stdout : process.stderr).columns : undefined;
    },
    write: (text) => writeAll(fd, Buffer.from(text)),
  };
}

function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd);
  } catch {
    return false; // closed by whoever started us
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') process.exit(0);
      if (code === 'EBADF') return;
      if (code !== 'EAGAIN') throw error;
      // a pipe that somebody else made non-blocking is full: its reader needs a moment
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/**
 * Makes text of a package safe to print on one line: without control, bidi and zero-width characters
 * it can neither move the cursor nor read differently from what it is.
 */
export function oneLine(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}

/** The same for text that may have several lines. */
export function manyLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/\t/g, '    ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}'))
    .join('\n');
}

export const PLAIN: Style = { strong: same, dim: same, good: same, warning: same, bad: same };

const COLOURED: Style = {
  strong: painted('bold'),
  dim: painted('dim'),
  good: painted('green'),
  warning: painted('yellow'),
  bad: painted('red'),
};

/** https://no-color.org and https://force-color.org; when both are set the wish for none wins. */
function hasColour(isInteractive: boolean, env: Environment): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isInteractive;
}

function same(text: string): string {
  return text;
}

function painted(format: 'bold' | 'dim' | 'green' | 'yellow' | 'red'): (text: string) => string {
  return (text) => styleText(format, text, { validateStream: false });
}
