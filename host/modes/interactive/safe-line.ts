import { truncateToWidth, visibleWidth } from '@earendil-works/pi-tui';

/**
 * The one sanitiser at the terminal's border: whatever draws a line, this is what reaches the terminal. Colours and links
 * to a host that the line shows stay; every other control sequence, control character, bidi control and invisible
 * character is taken out, tabs become spaces, and nothing is wider than `width`.
 */
export function safeLine(line: string, width: number): string {
  if (PRINTABLE.test(line)) return line.length <= width ? line : line.slice(0, width);
  const clean = visibleLinks(line.replaceAll(UNSAFE, replaceUnsafe));
  const fitting = visibleWidth(clean) <= width ? clean : truncateToWidth(clean, width, '');
  return fitting.includes(ESC) ? `${fitting}${fitting.includes(LINK) ? LINK_END : ''}${RESET}` : fitting;
}

const ESC = '\u001B';
const RESET = '\u001B[0m';
const LINK = '\u001B]8;';
const LINK_END = '\u001B]8;;\u001B\\';
const PRINTABLE = /^[ -~]*$/;

/** In this order: sequences as a whole, what is left of broken ones, then single characters. */
const UNSAFE = new RegExp(
  [
    // OSC, DCS, APC, PM, SOS: up to their end, or to the end of the line where they have none
    String.raw`(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C|\u001B|$)`,
    String.raw`(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]?`,
    String.raw`\u001B[ -/]*[0-~]?`,
    String.raw`\t`,
    // a joiner belongs to emoji; every other format character is invisible or turns text around
    String.raw`(?!\u200D)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]`,
  ].join('|'),
  'gu',
);
const COLOUR = /^\u001B\[[\d;:]*m$/;
const LINK_SEQUENCE = /^\u001B\]8;[^;]*;([^;]*)(?:\u0007|\u001B\\)$/;

function replaceUnsafe(found: string): string {
  if (found === '\t') return '   ';
  if (COLOUR.test(found)) return found;
  const address = LINK_SEQUENCE.exec(found)?.[1];
  if (address === undefined) return '';
  return address === '' ? LINK_END : hostOf(address) === undefined ? '' : `${LINK};${address}${ESC}\\`;
}

/** Keeps a link where its text shows where it goes: `https://bank.example` must not lead to another place. */
function visibleLinks(line: string): string {
  if (!line.includes(LINK)) return line;
  const shown = line.replaceAll(LINK_WITH_TEXT, (whole, address: string, text: string) => {
    const host = hostOf(address);
    return host !== undefined && names(text.replaceAll(ANY_COLOUR, '').toLowerCase(), host) ? whole : text;
  });
  return shown.includes(`${LINK};http`) ? shown : shown.replaceAll(LINK_END, '');
}

/** As a whole, and in its place: `github.co` stands in `github.com`, and `evil.example` in `https://bank.example/?to=evil.example`. */
function names(text: string, host: string): boolean {
  const addresses = Array.from(text.matchAll(/:\/\/([^\s/?#]*)/g), ([, named = '']) => named.replace(/[^\p{L}\p{N}]+$/u, ''));
  if (addresses.length > 0) return addresses.every((named) => named === host);
  return new RegExp(String.raw`(?<=^|[\s(<\["'])${RegExp.escape(host)}(?![\p{L}\p{N}_@-]|[.:][\p{L}\p{N}])`, 'u').test(text);
}

const LINK_WITH_TEXT = /\u001B\]8;;([^\u001B]+)\u001B\\(.*?)(?:\u001B\]8;;\u001B\\|(?=\u001B\]8;;)|$)/gu;
const ANY_COLOUR = /\u001B\[[\d;:]*m/g;

function hostOf(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:') && url.host !== '' && url.username === '' ? url.host : undefined;
}
