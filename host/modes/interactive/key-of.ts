import type { KeyAction, Keys } from '../../keybindings.ts';

/** The key that does something, as it is bound now; nothing where it is bound to none. */
export type KeyOf = (action: KeyAction) => string | undefined;

/** Makes one that follows the user's bindings. */
export function createKeyOf(keys: () => Keys): KeyOf {
  return (action) => keys().bindings[action][0]?.replace('escape', 'esc');
}

/** What a key does, in brackets behind what it is said of; without a key nothing. */
export function keyHint(key: string | undefined, does = ''): string {
  return key === undefined ? '' : ` (${`${key} ${does}`.trim()})`;
}
