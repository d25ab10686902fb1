import { builtinModules } from 'node:module';

/**
 * Specifiers that the guest runtime answers itself: Node's builtins and the modules of the host. They stay
 * `require` calls in the bundle, under the one name the runtime knows.
 */
const BUILTINS = new Set(builtinModules.filter((name) => !name.startsWith('_')).map((name) => name.replace(/^node:/, '')));
/** Builtins that exist only with the prefix. */
for (const name of ['sqlite', 'sea', 'test', 'test/reporters']) BUILTINS.add(name);
const PREFIX_ONLY = new Set(['sqlite', 'sea', 'test', 'test/reporters']);

const PI_NAMES = ['pi-coding-agent', 'pi-agent-core', 'pi-agent', 'pi-ai', 'pi-tui'];
const PI_SCOPES = ['@earendil-works', '@mariozechner'];

/** Clients that stand on sockets: the guest's fetch stands in for them. */
const CLIENTS = new Set(['undici', 'node-fetch']);

/** The module's name in the guest (`fs`, `pi-tui`, `typebox/value`), or `undefined` for a module of the package's own graph. */
export function hostModule(specifier: string): string | undefined {
  const bare = specifier.startsWith('node:') ? specifier.slice(5) : specifier;
  if (specifier.startsWith('node:')) return bare;
  // A trailing slash (`punycode/`) asks for the package of that name.
  if (BUILTINS.has(bare) && !PREFIX_ONLY.has(bare)) return bare;
  if (CLIENTS.has(bare)) return bare;
  const [scope = '', name = '', ...subpath] = specifier.split('/');
  if (PI_SCOPES.includes(scope) && PI_NAMES.includes(name)) return [name, ...subpath].join('/');
  if (specifier === 'dash-agent' || specifier.startsWith('dash-agent/')) return specifier;
  if (specifier === 'typebox' || specifier.startsWith('typebox/')) return specifier;
  if (specifier === '@sinclair/typebox' || specifier.startsWith('@sinclair/typebox/')) return specifier.slice('@sinclair/'.length);
  return undefined;
}

/** Names of packages that the host provides: they are never installed. */
export function isHostPackage(name: string): boolean {
  return hostModule(name) !== undefined && !BUILTINS.has(name) && !CLIENTS.has(name);
}
