import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Diagnostic, isDashError } from '../format/index.ts';
import { MAX_THEME_BYTES, parseTheme, readTextFile, type Theme } from '../skills-lib/index.ts';

/** What came of a theme's file being saved. */
export type ThemeChange = { readonly kind: 'changed'; readonly theme: Theme } | { readonly kind: 'invalid'; readonly diagnostic: Diagnostic };

/** An editor writes in several steps. */
const SETTLED_MS = 50;

/**
 * Follows the file of the theme that is worn: tells what it is now when it is not what was told last, at once and whenever it
 * was saved. A theme without a file never changes. Keeps no process alive.
 */
export function followTheme(
  worn: Theme & { readonly path?: string },
  listener: (change: ThemeChange) => void,
  { isBroken = false }: { readonly isBroken?: boolean } = {},
): Disposable {
  const { path, name, colors } = worn;
  if (path === undefined) return { [Symbol.dispose]: () => undefined };
  // that a file is broken was told by who read it
  let told = JSON.stringify(isBroken ? readChange(path) : ({ kind: 'changed', theme: { name, colors } } satisfies ThemeChange));
  const look = (): void => {
    const change = readChange(path);
    const text = JSON.stringify(change);
    if (text === told) return;
    told = text;
    listener(change);
  };
  let timer: NodeJS.Timeout | undefined;
  const lookSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look, SETTLED_MS);
    timer.unref();
  };
  // its directory: most editors put another file in its place
  const watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
    if (changed === null || changed === basename(path)) lookSoon();
  });
  watcher.on('error', () => watcher.close()); // the directory is gone, and with it what could be saved
  lookSoon(); // it may have been saved since it was read
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

function readChange(path: string): ThemeChange {
  try {
    return { kind: 'changed', theme: parseTheme(readTextFile(path, { maxBytes: MAX_THEME_BYTES }), path) };
  } catch (error) {
    if (!(error instanceof Error) || (!isDashError(error) && !('code' in error))) throw error;
    const code = isDashError(error) ? error.code : 'RESOURCE_UNREADABLE';
    return { kind: 'invalid', diagnostic: { severity: 'error', code, message: error.message, where: { path } } };
  }
}
