import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_KEYBINDINGS, parseKey, readKeybindings, withShortcuts } from '../../host/keybindings.ts';
import { startTestHost } from '../support/in-test-host.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function read(text: string) {
  const home = await temporaryDirectory();
  await writeFile(join(home, 'keybindings.json'), text);
  return readKeybindings(home);
}

describe('keys', () => {
  it.for([
    ['Ctrl+Shift+P', 'ctrl+shift+p'],
    ['shift+ctrl+p', 'ctrl+shift+p'],
    ['esc', 'escape'],
    ['alt+Return', 'alt+enter'],
    ['ctrl++', 'ctrl++'],
    ['f12', 'f12'],
    ['ctrl', undefined],
    ['ctrl+ctrl+a', undefined],
    ['hyper+a', undefined],
    ['f13', undefined],
    ['', undefined],
  ] as const)('%j is %j', ([text, expected]) => {
    expect(parseKey(text)).toBe(expected);
  });

  it('all have one spelling where they come with Dash, and none is bound twice', () => {
    const all = Object.entries(DEFAULT_KEYBINDINGS);
    // The panel of `/tree` has the keys to itself while it is open.
    for (const isInTree of [true, false]) {
      const keys = all.filter(([action]) => action.startsWith('app.tree.') === isInTree).flatMap(([, bound]) => [...bound]);
      expect(keys.map(parseKey)).toEqual(keys);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });
});

describe('keybindings.json', () => {
  it('replaces the keys of an action; none takes them away', async () => {
    const { bindings, diagnostics } = await read('{"app.model.select": ["F2", "alt+m"], "app.exit": []}');
    expect(diagnostics).toEqual([]);
    expect(bindings).toMatchObject({ 'app.model.select': ['f2', 'alt+m'], 'app.exit': [], 'app.tools.expand': ['ctrl+o'] });
  });

  it('says what is wrong in it, and keeps the rest', async () => {
    const { bindings, diagnostics } = await read('{"app.modle.select": "f2", "app.clear": ["ctrl+hello"], "app.session.tree": "ctrl+o"}');
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'there is no action `app.modle.select`; did you mean `app.model.select`?',
      '`ctrl+hello` of `app.clear` is no key',
      '`ctrl+o` is bound to `app.tools.expand` and `app.session.tree`; the first has it',
    ]);
    expect(bindings['app.session.tree']).toEqual(['ctrl+o']);
    expect((await read('[1')).bindings).toEqual(DEFAULT_KEYBINDINGS);
  });
});

describe('keys of packages', () => {
  const contributed = (...keys: readonly string[]) => keys.map((shortcut, index) => ({ package: `p${index}`, registration: { shortcut } }));

  it('are data; the user and the way out go before them, and the first package keeps a key', () => {
    const { shortcuts, diagnostics } = withShortcuts(
      { bindings: DEFAULT_KEYBINDINGS, diagnostics: [] },
      contributed('ctrl+k', 'Ctrl+K', 'escape', 'ctrl+l', 'what'),
    );
    expect(shortcuts).toEqual([{ key: 'ctrl+k', package: 'p0' }]);
    expect(diagnostics.map(({ message }) => message.split(': ')[1])).toEqual([
      '`p0` has it',
      'it is one that nobody can do without',
      'it is `app.model.select`; bind that to another one in `keybindings.json`',
      'it is no key',
    ]);
  });

  it('and bindings are read again at a reload', async () => {
    await using world = await startTestHost({ turns: [] }, []);
    expect(world.host.keys().bindings['app.exit']).toEqual(['ctrl+d']);
    await writeFile(join(world.home, 'keybindings.json'), '{"app.exit": "ctrl+q"}');
    await world.host.reload();
    expect(world.host.keys().bindings['app.exit']).toEqual(['ctrl+q']);
  });
});
