import { createBuiltins, setBundleRequire } from './builtins/index.ts';
import { installGlobals } from './globals/index.ts';
import { Stage } from './api/stage.ts';
import { createModules } from './modules/index.ts';
import { createLink, type SyncReference } from './channel.ts';
import { createRunner, type Bundle } from './runner.ts';
import type { GuestFactsView } from './link.ts';

/**
 * The first script in every isolate: `(post, sync) → {begin, tell, …}`. The two ways out live in this closure
 * only. It is not a trust boundary: whatever a guest does to its own globals, the broker decides.
 *
 * It runs before anybody knows for which package: `begin` says that, before the first bundle.
 */
type PartScript = (register: (name: string, factory: () => unknown) => void, requireCore: (name: string) => unknown) => void;

interface GuestRuntime {
  begin(setup: string): void;
  tell(text: string): void;
  addPart(part: PartScript): void;
  warm(module: string): void;
  addBundle(index: number, bundle: Bundle): void;
}

export default function bootstrap(post: (text: string) => void, sync: SyncReference): GuestRuntime {
  // Filled by `begin`: what is evaluated before that must not read it.
  const facts = {} as GuestFactsView;
  const { link, receive } = createLink(post, sync, facts);
  installGlobals(globalThis, link);
  const builtins = createBuiltins(link);
  const parts = new Map<string, { factory: () => unknown; loaded?: { exports: unknown } }>();
  const stage = new Stage(link, requireModule);
  const modules = createModules(link, stage);
  setBundleRequire((specifier, from) => (/^\.{0,2}\//.test(specifier) ? readData(specifier, from) : requireModule(specifier)));
  const runner = createRunner(link, post, requireModule, stage);

  return {
    begin: (text) => {
      const setup = JSON.parse(text) as { facts: GuestFactsView; now?: number; seed?: number };
      Object.assign(facts, setup.facts);
      if (setup.now !== undefined) freezeClock(setup.now, setup.seed ?? 1);
    },
    tell: (text) => receive(text, runner.handle),
    addPart: (part) => part((name, factory) => parts.set(name, { factory }), requireModule),
    warm: (name) => void requireModule(name),
    addBundle: runner.addBundle,
  };

  /** `createRequire(import.meta.url)('../package.json')`: data beside the code. Code itself is in the bundle. */
  function readData(specifier: string, from: string): unknown {
    const path = requireModule('path') as { resolve(...parts: string[]): string; dirname(path: string): string };
    const importer = from.startsWith('file://') ? decodeURI(from.slice('file://'.length)) : from;
    const file = path.resolve(path.dirname(importer), specifier);
    if (!file.endsWith('.json'))
      throw Object.assign(new Error(`Cannot find module '${specifier}': only JSON files can be required at run time`), { code: 'MODULE_NOT_FOUND' });
    const { readFileSync } = requireModule('fs') as { readFileSync(path: string, encoding: 'utf8'): string };
    return JSON.parse(readFileSync(file, 'utf8'));
  }

  /** Every external of a bundle ends here: builtins with or without `node:`, host modules, library parts. */
  function requireModule(name: string): unknown {
    const bare = name.startsWith('node:') ? name.slice(5) : name;
    const part = parts.get(bare);
    if (part !== undefined) {
      part.loaded ??= { exports: part.factory() };
      return part.loaded.exports;
    }
    const module = modules(bare) ?? builtins(bare);
    if (module !== undefined) return module;
    const error = new Error(`Cannot find module '${name}': what is loaded at run time must be a JavaScript dependency that a bundler can see`);
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' });
  }
}

/**
 * Capture runs a factory twice with different clocks and seeds; what differs between the runs depends on
 * something else than the code, so it is not a registration one can consent to.
 */
function freezeClock(now: number, seed: number): void {
  const RealDate = Date;
  let state = seed >>> 0 || 1;
  Math.random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const FrozenDate = function (this: unknown, ...args: unknown[]): unknown {
    if (new.target === undefined) return new RealDate(now).toString();
    return Reflect.construct(RealDate, args.length === 0 ? [now] : args, new.target);
  };
  Object.defineProperty(FrozenDate, 'name', { value: 'Date' });
  FrozenDate.prototype = RealDate.prototype;
  globalThis.Date = Object.assign(FrozenDate, { now: () => now, parse: RealDate.parse, UTC: RealDate.UTC }) as unknown as DateConstructor;
}
