import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { type Diagnostic, nearest } from '../format/index.ts';
import type { ShortcutContribution } from './packages/contributions.ts';

/** What a key can be bound to, under pi's names, with the keys that it has where the user says nothing. */
export const DEFAULT_KEYBINDINGS = {
  'tui.input.submit': ['enter'],
  'tui.input.newLine': ['shift+enter', 'ctrl+j'],
  'tui.input.tab': ['tab'],
  'app.interrupt': ['escape'],
  'app.clear': ['ctrl+c'],
  'app.exit': ['ctrl+d'],
  'app.suspend': ['ctrl+z'],
  'app.message.followUp': ['alt+enter'],
  'app.message.dequeue': ['alt+up'],
  'app.message.copy': ['ctrl+x'],
  'app.model.select': ['ctrl+l'],
  'app.model.cycleForward': ['ctrl+p'],
  'app.model.cycleBackward': ['ctrl+shift+p'],
  'app.thinking.cycle': ['shift+tab'],
  'app.thinking.toggle': ['ctrl+t'],
  'app.tools.expand': ['ctrl+o'],
  'app.editor.external': ['ctrl+g'],
  'app.clipboard.pasteImage': ['ctrl+v'],
  'app.session.new': [],
  'app.session.tree': [],
  'app.session.fork': [],
  'app.session.resume': [],
  'app.tree.editLabel': ['shift+l'],
  'app.tree.toggleLabelTimestamp': ['shift+t'],
  'app.tree.filter.default': ['ctrl+d'],
  'app.tree.filter.noTools': ['ctrl+t'],
  'app.tree.filter.userOnly': ['ctrl+u'],
  'app.tree.filter.labeledOnly': ['ctrl+l'],
  'app.tree.filter.all': ['ctrl+a'],
  'app.tree.filter.cycleForward': ['ctrl+o'],
  'app.tree.filter.cycleBackward': ['ctrl+shift+o'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type KeyAction = keyof typeof DEFAULT_KEYBINDINGS;

/** Keys that a package must not take, whatever they are bound to: without them nobody gets out. */
const RESERVED: readonly KeyAction[] = ['tui.input.submit', 'app.interrupt', 'app.clear', 'app.exit', 'app.suspend'];

/** A key of a package. */
export interface Shortcut {
  readonly key: string;
  readonly package: string;
  readonly description?: string;
}

/** Which key does what, as data for whatever reads keys. Keys are in one spelling: `ctrl+alt+shift+super+name`. */
export interface Keys {
  readonly bindings: Readonly<Record<KeyAction, readonly string[]>>;
  readonly shortcuts: readonly Shortcut[];
  readonly diagnostics: readonly Diagnostic[];
}

const Bindings = Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]));

/** Reads the user's `keybindings.json`; what is wrong in it costs only the line it is in. */
export async function readKeybindings(dashHome: string): Promise<Pick<Keys, 'bindings' | 'diagnostics'>> {
  const path = join(dashHome, 'keybindings.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { bindings: DEFAULT_KEYBINDINGS, diagnostics: [] };
  const diagnostics: Diagnostic[] = [];
  const warn = (message: string): void => void diagnostics.push({ severity: 'warning', code: 'KEYBINDING_INVALID', message, where: { path } });
  const wanted = parseBindings(text);
  if (wanted === undefined) {
    warn(`\`${path}\` is no JSON of actions and keys; the usual keys hold`);
    return { bindings: DEFAULT_KEYBINDINGS, diagnostics };
  }
  const bindings: Record<KeyAction, readonly string[]> = { ...DEFAULT_KEYBINDINGS };
  for (const [action, keys] of Object.entries(wanted)) {
    if (!isAction(action)) {
      const meant = nearest(action, Object.keys(DEFAULT_KEYBINDINGS));
      warn(`there is no action \`${action}\`${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`);
      continue;
    }
    const parsed = (typeof keys === 'string' ? [keys] : keys).map((key) => ({ key, id: parseKey(key) }));
    for (const { key, id } of parsed) if (id === undefined) warn(`\`${key}\` of \`${action}\` is no key`);
    bindings[action] = parsed.flatMap(({ id }) => (id === undefined ? [] : [id]));
  }
  for (const [key, actions] of [...owners(bindings, 'everywhere'), ...owners(bindings, 'tree')]) {
    if (actions.length > 1) warn(`\`${key}\` is bound to ${actions.map((action) => `\`${action}\``).join(' and ')}; the first has it`);
  }
  return { bindings, diagnostics };
}

/** Adds the keys of packages: the user's go before them, and the first package keeps a key. */
export function withShortcuts({ bindings, diagnostics }: Pick<Keys, 'bindings' | 'diagnostics'>, contributed: readonly ShortcutContribution[]): Keys {
  const problems = [...diagnostics];
  const shortcuts = new Map<string, Shortcut>();
  const reserved = new Set(RESERVED.flatMap((action) => [...bindings[action]]));
  const taken = owners(bindings, 'everywhere');
  for (const { package: owner, registration } of contributed) {
    const { shortcut, description } = registration;
    const drop = (why: string): void =>
      void problems.push({ severity: 'warning', code: 'SHORTCUT_DROPPED', message: `the key \`${shortcut}\` of \`${owner}\` has no effect: ${why}` });
    const key = parseKey(shortcut);
    const first = key === undefined ? undefined : shortcuts.get(key);
    if (key === undefined) drop('it is no key');
    else if (reserved.has(key)) drop('it is one that nobody can do without');
    else if (first !== undefined) drop(`\`${first.package}\` has it`);
    else {
      const [action] = taken.get(key) ?? [];
      if (action === undefined) shortcuts.set(key, { key, package: owner, ...(description === undefined ? {} : { description }) });
      else drop(`it is \`${action}\`; bind that to another one in \`keybindings.json\``);
    }
  }
  return { bindings, shortcuts: [...shortcuts.values()], diagnostics: problems };
}

const MODIFIERS = ['ctrl', 'alt', 'shift', 'super'];
const NAMED =
  /^([a-z0-9]|f([1-9]|1[0-2])|escape|enter|tab|space|backspace|delete|insert|home|end|pageup|pagedown|up|down|left|right|[-=[\]\\;',./`!@#$%^&*()_+{}|:"<>?~])$/;
const ALIASES: Readonly<Record<string, string>> = { esc: 'escape', return: 'enter', del: 'delete', option: 'alt', meta: 'alt', control: 'ctrl', cmd: 'super' };

/** The one spelling of a key, or nothing where it is none. */
export function parseKey(text: string): string | undefined {
  // `ctrl++` is the plus sign.
  const parts = text.trim().toLowerCase().replace(/\+\+$/, '+plus').split('+');
  const words = parts.map((part) => ALIASES[part.trim()] ?? part.trim()).map((part) => (part === 'plus' ? '+' : part));
  const name = words.at(-1) ?? '';
  const modifiers = words.slice(0, -1);
  if (!NAMED.test(name) || modifiers.some((word) => !MODIFIERS.includes(word)) || new Set(modifiers).size !== modifiers.length) return undefined;
  return [...MODIFIERS.filter((modifier) => modifiers.includes(modifier)), name].join('+');
}

/** Which actions want a key. The panel of `/tree` has the keys to itself: what it does with one is another matter than what the rest does. */
function owners(bindings: Keys['bindings'], where: 'everywhere' | 'tree'): ReadonlyMap<string, readonly KeyAction[]> {
  const all = new Map<string, KeyAction[]>();
  for (const [action, keys] of Object.entries(bindings)) {
    if (!isAction(action) || action.startsWith('app.tree.') !== (where === 'tree')) continue;
    for (const key of new Set(keys)) all.set(key, [...(all.get(key) ?? []), action]);
  }
  return all;
}

function parseBindings(text: string): Static<typeof Bindings> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(Bindings, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isAction(name: string): name is KeyAction {
  return Object.hasOwn(DEFAULT_KEYBINDINGS, name);
}
