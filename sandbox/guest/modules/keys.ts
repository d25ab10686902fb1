import { setKeybindings, setKittyProtocolActive } from '@earendil-works/pi-tui';
import type { Scene } from '../../surface.ts';

interface PiKeybindings {
  readonly KeybindingsManager: new (keys: Scene['keys']) => Parameters<typeof setKeybindings>[0];
}

/** Makes pi's own manager of keys with what the user bound, and the one that its components ask. */
export function createKeybindings(keys: Scene['keys']): unknown {
  const { KeybindingsManager }: PiKeybindings = require('pi-source:core/keybindings.js');
  const manager = new KeybindingsManager(keys);
  setKeybindings(manager);
  return manager;
}

export { setKittyProtocolActive as setKittyKeys };
export { isKeyRelease } from '@earendil-works/pi-tui';
