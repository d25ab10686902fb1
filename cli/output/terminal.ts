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

/** The part of a `tty.WriteStream` that is used here. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export function createTerminal(stream: OutputStream, env: Environment): Terminal {
  const isInteractive = stream.isTTY === true && env['TERM'] !== 'dumb';
  const style = hasColour(isInteractive, env) ? COLOURED : PLAIN;
  return {
    isInteractive,
    style,
    get columns() {
      return stream.columns ?? 80;
    },
    write: (text) => void stream.write(text),
  };
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
