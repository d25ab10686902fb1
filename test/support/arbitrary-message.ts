import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import fc from 'fast-check';

/** What there is to aim at: names that lead somewhere, so that a mutated request is not always about nothing. */
export interface Aims {
  readonly workspace: string;
  readonly outside: string;
  readonly url: string;
}

interface Described {
  readonly name: string;
  readonly kind: 'request' | 'subscription';
  readonly params: TSchema;
}

/** A line of the guest: a valid message of every kind and for every capability, changed in one to four places. */
export function arbitraryLine(capabilities: ReadonlyMap<string, Described>, aims: Aims): fc.Arbitrary<string> {
  const known = messages([...capabilities.values()], aims);
  const changed = fc
    .tuple(fc.constantFrom(...known), fc.array(fc.tuple(fc.nat(), arbitraryChange(aims)), { maxLength: 3 }), fc.array(arbitraryTextChange, { maxLength: 1 }))
    .map(([message, changes, textChanges]) => {
      const tree = changes.reduce<Tree>((value, [at, change]) => changeAt(value, at, change), message);
      return textChanges.reduce((text, change) => change(text), JSON.stringify(tree));
    });
  const asked = fc.tuple(fc.oneof(fc.nat(1_000), fc.constantFrom('0', '-0', '9007199254740991')), changed).map(([id, text]) => `s${id} ${text}`);
  const said = changed.map((text) => `g${text}`);
  // A line end in it would make two lines of it, of which the second speaks for the process.
  return fc.oneof({ weight: 3, arbitrary: said }, { weight: 1, arbitrary: asked }).map((line) => line.replaceAll(/[\n\r]/g, ' '));
}

/** A line of the process itself, or of nobody: most of them end it. */
export function arbitraryOwnLine(): fc.Arbitrary<string> {
  const own: readonly Tree[] = [
    { kind: 'opened', caches: [], rejected: [] },
    { kind: 'resting', timers: 3 },
    { kind: 'stuck', ms: 100 },
    { kind: 'dead', reason: 'memory', message: 'x' },
    { kind: 'dead', reason: 'load', message: 'x' },
    { kind: 'dead', reason: 'flood', message: 'x' },
  ];
  const aims: Aims = { workspace: '/', outside: '/etc/passwd', url: 'http://127.0.0.1/' };
  const changed = fc
    .tuple(fc.constantFrom(...own), fc.nat(), arbitraryChange(aims), fc.array(arbitraryTextChange, { maxLength: 1 }))
    .map(([message, at, change, texts]) => `c${texts.reduce((text, each) => each(text), JSON.stringify(changeAt(message, at, change)))}`);
  const nobody = fc.constantFrom('', 'x', '{}', 's', 's1', 'sx {}', 's-1 {}', 's1e400 {}', 'cnull', 'c1', 'c"dead"', 'c[]', 'c{}');
  return fc.oneof({ weight: 3, arbitrary: changed }, { weight: 1, arbitrary: nobody }).map((line) => line.replaceAll(/[\n\r]/g, ' '));
}

type Tree = null | boolean | number | string | readonly Tree[] | { readonly [key: string]: Tree };

function messages(capabilities: readonly Described[], { workspace, outside, url }: Aims): readonly Tree[] {
  const requests = capabilities.flatMap(({ name, kind, params }) => {
    const aimed = AIMED[name]?.({ workspace, outside, url }) ?? [Value.Create(params) as Tree];
    return aimed.map((each, index) => ({ kind: kind === 'request' ? 'request' : 'subscribe', id: index + 1, capability: name, params: each }));
  });
  const synchronous = requests.map(({ capability, params }) => ({ capability, params }));
  return [
    ...requests,
    ...synchronous,
    { kind: 'activated', registrations: [{ tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] }], failures: [] },
    { kind: 'cancel', id: 1 },
    { kind: 'unsubscribe', id: 1 },
    { kind: 'listens' },
    { kind: 'result', id: 1, value: { content: [{ type: 'text', text: 'x' }], details: {} } },
    { kind: 'result', id: 1, error: { message: 'x', name: 'Error', code: 'X', stack: 'Error: x\n    at dash-bundle:0:1:1' } },
    { kind: 'update', id: 1, value: { content: [] } },
    { kind: 'log', level: 'info', text: 'x' },
  ];
}

/** Parameters that lead somewhere, where a value of the right type alone leads nowhere. */
const AIMED: Readonly<Record<string, (aims: Aims) => readonly Tree[]>> = {
  'fs.readFile': ({ outside }) => [
    { path: 'a.txt', encoding: 'utf8' },
    { path: outside, encoding: 'utf8' },
  ],
  'fs.stat': ({ outside }) => [
    { path: 'dir', follow: true },
    { path: outside, follow: false },
  ],
  'fs.readdir': () => [{ path: '.', recursive: true }],
  'fs.realpath': ({ outside }) => [{ path: outside }],
  'fs.writeFile': ({ outside }) => [
    { path: 'b.txt', text: 'x', flag: 'w' },
    { path: outside, text: 'x', flag: 'a' },
  ],
  'fs.mkdir': () => [{ path: 'dir/new', recursive: true }],
  'fs.rename': ({ outside }) => [
    { from: 'a.txt', to: 'c.txt' },
    { from: 'a.txt', to: outside },
    { from: outside, to: 'a.txt' },
  ],
  'fs.copy': ({ outside }) => [
    { from: 'c.txt', to: 'a.txt', recursive: false, force: true },
    { from: outside, to: 'a.txt', recursive: true, force: true },
  ],
  'fs.remove': ({ outside }) => [
    { path: 'b.txt', recursive: false, force: true },
    { path: outside, recursive: true, force: true },
  ],
  'fs.watch': () => [{ path: 'dir', recursive: false }],
  'net.fetch': ({ url }) => [{ url, method: 'GET', headers: [['x-a', 'b']], redirect: 'follow' }],
  'net.read': () => [
    { transfer: 1, cancel: false },
    { transfer: 1, cancel: true },
  ],
  'exec.run': () => [{ file: 'true', args: [], shell: false }],
  'exec.signal': () => [{ id: 1, signal: 'SIGTERM' }],
  'exec.start': () => [{ file: 'true', args: [], shell: false, id: 1 }],
};

type Change = (value: Tree) => Tree | undefined;

/** What is put in a value's place; `undefined` takes its member out. */
function arbitraryChange({ workspace, outside, url }: Aims): fc.Arbitrary<Change> {
  const odd: readonly Tree[] = [null, true, -1, -0, 0.5, 2 ** 53, 1e308, '', ' ', '\0', '\ud800', '\u2028', '../'.repeat(40), 'x'.repeat(5_000)];
  const words: readonly Tree[] = ['__proto__', 'constructor', 'prototype', 'toString', 'request', 'subscribe', 'result', 'fs.readFile', 'SIGKILL'];
  const objects: readonly Tree[] = [
    [],
    {},
    [[]],
    { toString: 1, valueOf: 1 },
    { then: 1 },
    { length: -1 },
    { toJSON: 'x' },
    { constructor: { prototype: { polluted: 1 } } },
  ];
  const places: readonly Tree[] = [workspace, outside, `${workspace}/../home/secret.txt`, `file://${outside}`, '.', '/', '/proc/self/environ', 'a.txt/../..'];
  const put = fc.constantFrom<Tree>(...odd, ...words, ...objects, ...places, url, `${url}#\t@x`);
  const replace = put.map(
    (value): Change =>
      () =>
        value,
  );
  const remove = fc.constant<Change>(() => undefined);
  const grow = fc.constantFrom('__proto__', 'constructor', 'extra', 'toString', 'path', 'id', 'then').chain((key) =>
    put.map(
      (value): Change =>
        (old) =>
          typeof old === 'object' && old !== null && !Array.isArray(old) ? withMember(old as { readonly [key: string]: Tree }, key, value) : [old, value],
    ),
  );
  const nest = fc.integer({ min: 1, max: 400 }).map(
    (depth): Change =>
      (old) =>
        Array.from({ length: depth }).reduce<Tree>((inner) => [inner], old),
  );
  const repeat = fc.integer({ min: 2, max: 300 }).map(
    (times): Change =>
      (old) =>
        Array.from({ length: times }, () => old),
  );
  return fc.oneof(
    { weight: 6, arbitrary: replace },
    { weight: 1, arbitrary: remove },
    { weight: 2, arbitrary: grow },
    { weight: 1, arbitrary: nest },
    { weight: 1, arbitrary: repeat },
  );
}

/** As an own member, whatever its name. */
function withMember(object: { readonly [key: string]: Tree }, key: string, value: Tree): Tree {
  return Object.defineProperty({ ...object }, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Of text, what JSON.stringify would never write. */
const arbitraryTextChange: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc.nat().map((at) => (text: string) => text.slice(0, at % (text.length + 1))),
  fc
    .tuple(
      fc.nat(),
      fc.constantFrom('"', '{', '}', '[', ',', ':', '\\', '\\u0000', '\0', '1e400', '-', 'NaN', '"__proto__":{"polluted":1},', '"id":1,"id":2,', '\ufeff'),
    )
    .map(([at, piece]) => (text: string) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + piece + text.slice(place);
    }),
  fc.constantFrom(
    (text: string) => text + text,
    (text: string) => `[${text}]`,
    (text: string) => text.replace('{', '{"__proto__":{"polluted":1},'),
  ),
);

/** The value with its `at`th node, in the order of a walk, changed. */
function changeAt(tree: Tree, at: number, change: Change): Tree {
  const count = size(tree);
  // The root counts as one of them; to take it out would leave no message.
  return walk(tree, at % count, change) ?? null;
}

function size(tree: Tree): number {
  return typeof tree === 'object' && tree !== null ? Object.values(tree).reduce<number>((sum, child) => sum + size(child as Tree), 1) : 1;
}

function walk(tree: Tree, at: number, change: Change): Tree | undefined {
  if (at === 0) return change(tree);
  if (typeof tree !== 'object' || tree === null) return tree;
  let left = at - 1;
  const entries: [string, Tree][] = [];
  for (const [key, child] of Object.entries(tree) as [string, Tree][]) {
    const here = size(child);
    const next = left >= 0 && left < here ? walk(child, left, change) : child;
    left -= here;
    if (next !== undefined) entries.push([key, next]);
  }
  if (Array.isArray(tree)) return entries.map(([, child]) => child);
  const object: { [key: string]: Tree } = {};
  for (const [key, child] of entries) Object.defineProperty(object, key, { value: child, enumerable: true, configurable: true, writable: true });
  return object;
}
