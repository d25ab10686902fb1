import { Stage } from '../../sandbox/guest/api/stage.ts';
import { createBuiltins, setBundleRequire } from '../../sandbox/guest/builtins/index.ts';
import { createLink, type SyncReference } from '../../sandbox/guest/channel.ts';
import { installGlobals } from '../../sandbox/guest/globals/index.ts';
import type { GuestFactsView } from '../../sandbox/guest/link.ts';
import { createModules } from '../../sandbox/guest/modules/index.ts';

type Part = (register: (name: string, factory: () => unknown) => void, requireCore: (name: string) => unknown) => void;

/** The guest's libraries with the real channel and without the extension API: runs pieces of code and posts what they return. */
export default function guestUnderTest(post: (text: string) => void, sync: SyncReference, factsText: string) {
  const { link, receive } = createLink(post, sync, JSON.parse(factsText) as GuestFactsView);
  installGlobals(globalThis, link);
  const builtins = createBuiltins(link);
  const modules = createModules(link, new Stage(link, requireModule));
  const parts = new Map<string, { factory: () => unknown; exports?: unknown }>();
  setBundleRequire((specifier, from) => `${specifier} of ${from}`);

  return {
    tell: (text: string) => receive(text, () => {}),
    addPart: (part: Part) => part((name, factory) => parts.set(name, { factory }), requireModule),
    run: (id: number, code: string) => {
      const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (require: (name: string) => unknown) => Promise<unknown>;
      const answer = (outcome: object) => post(`R${JSON.stringify({ id, ...outcome })}`);
      try {
        new AsyncFunction('require', code)(requireModule).then(
          (value) => answer({ value }),
          (error: unknown) => answer({ error: errorText(error) }),
        );
      } catch (error) {
        answer({ error: errorText(error) });
      }
    },
  };

  function requireModule(name: string): unknown {
    const bare = name.replace(/^node:/, '');
    const part = parts.get(bare);
    if (part !== undefined) return (part.exports ??= part.factory());
    const found = modules(bare) ?? builtins(bare);
    if (found === undefined) throw new Error(`Cannot find module '${name}'`);
    return found;
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error);
}
