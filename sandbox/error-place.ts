import { SourceMap } from 'node:module';
import type { Where } from '../format/index.ts';
import type { GuestError } from './protocol.ts';

/** A guest's error as the author wants to read it: the message, and the place in the author's own file. */
export interface PlacedError {
  readonly message: string;
  readonly code?: string;
  readonly where?: Where;
}

const FRAME = /dash-bundle:(\d{1,4}):(\d{1,9}):(\d{1,9})/g;
/** A stack is as long as its guest likes; every frame costs a look into a source map. */
const MAX_STACK_CHARACTERS = 16_384;
const MAX_FRAMES = 32;
const MAX_MESSAGE_CHARACTERS = 16_384;

/** Finds the first frame of the stack that lies in the author's code. The stack is the guest's word, so only data. */
export async function placeError(error: GuestError, sourceMap: (bundle: number) => Promise<string>): Promise<PlacedError> {
  const plain: PlacedError = { message: error.message.slice(0, MAX_MESSAGE_CHARACTERS), ...(error.code !== undefined && { code: error.code.slice(0, 200) }) };
  const maps = new Map<number, Promise<string>>();
  let fallback: Where | undefined;
  for (const [, bundle = '0', line = '1', column = '1'] of [...(error.stack ?? '').slice(0, MAX_STACK_CHARACTERS).matchAll(FRAME)].slice(0, MAX_FRAMES)) {
    const map = maps.get(Number(bundle)) ?? sourceMap(Number(bundle));
    maps.set(Number(bundle), map);
    const where = findOrigin(await map, Number(line), Number(column));
    if (where === undefined) continue;
    // A dependency's file is `name@version/path`: the author's own line is worth more.
    if (!/^(@[^/]+\/)?[^/]+@\d/.test(where.path)) return { ...plain, where };
    fallback ??= where;
  }
  return fallback === undefined ? plain : { ...plain, where: fallback };
}

let last: { text: string; map: SourceMap } | undefined;

function findOrigin(text: string, line: number, column: number): Where | undefined {
  try {
    if (last?.text !== text) last = { text, map: new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0]) };
    const origin = last.map.findEntry(line - 1, column - 1);
    if (!('originalSource' in origin) || origin.originalSource === undefined) return undefined;
    return { path: visible(origin.originalSource), line: origin.originalLine + 1, column: origin.originalColumn + 1 };
  } catch {
    return undefined;
  }
}

/** The names in a source map may be the package's own: they are printed, and must not command a terminal. */
function visible(path: string): string {
  return path.slice(0, 1_024).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}
