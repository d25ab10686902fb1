import { type CompiledEntry, type CompiledPackage, type CompileFailure, isDashError, type RuntimePart } from '../../format/index.ts';
import { toInference } from '../infer/to-inference.ts';
import { saveBundle, type BundleStore } from './bundle-store.ts';
import type { BundleReply, BundleRequest, EntryReply } from './bundler.ts';
import { ConfinedBundler } from './confined-bundler.ts';
import { WarmBundlers } from './warm-bundlers.ts';

/**
 * Bundles every entry of a package in a confined process and keeps code and map under their hashes. One entry that does
 * not compile is a failure of that entry, not of the package.
 *
 * @throws {DashError} COMPILE_FAILED when the compile process itself fails
 */
export async function compilePackage(request: BundleRequest, store: BundleStore, signal?: AbortSignal): Promise<CompiledPackage> {
  if (request.entries.length === 0) return { entries: [], failures: [] };
  const replies = await bundleConfined(request, store, signal);
  return {
    entries: await Promise.all(replies.filter((reply) => reply.kind === 'ok').map((reply) => keep(store, reply))),
    failures: replies.filter((reply) => reply.kind === 'failed').map(toCompileFailure),
  };
}

/** Starts the process for whoever will compile a package in a moment: one of the store, or the directory that is linked. */
export function prepareCompile({ packages }: BundleStore, linked?: string): void {
  if (packages === undefined) return;
  try {
    warmBundlers.take(packages, linked === undefined ? [] : [linked]);
  } catch (error) {
    // said to whoever compiles it
    if (!isDashError(error, 'COMPILE_FAILED')) throw error;
  }
}

const warmBundlers = new WarmBundlers();

/** Runs the bundler where it can read packages of the store, the directories of this one, and nothing else. */
async function bundleConfined(request: BundleRequest, { packages }: BundleStore, signal: AbortSignal | undefined): Promise<BundleReply> {
  const nodes = Object.values(request.graph.nodes);
  if (packages !== undefined) {
    const outside = nodes.flatMap((node) => ((node.pack ?? node.dir).startsWith(`${packages}/`) ? [] : [node]));
    const directories = outside.flatMap((node) => (node.pack === undefined ? [node.dir] : []));
    if (directories.length === outside.length) {
      try {
        return await warmBundlers.take(packages, directories).bundle(request, signal);
      } catch (error) {
        // another package may have ended it: each has a second try by itself
        if (!isDashError(error, 'COMPILE_FAILED')) throw error;
      }
    }
  }
  using own = new ConfinedBundler(nodes.map((node) => node.pack ?? `${node.dir}/*`));
  return await own.bundle(request, signal);
}

async function keep(store: BundleStore, { entry, code, map, externals, unsupported, uses }: EntryReply & { kind: 'ok' }): Promise<CompiledEntry> {
  const bytes = Buffer.from(wrap(entry, code));
  const [codeHash, mapHash] = await Promise.all([saveBundle(store, 'js', bytes), saveBundle(store, 'map', Buffer.from(map))]);
  return {
    entry,
    code: codeHash,
    codeBytes: bytes.length,
    map: mapHash,
    parts: partsFor(externals, code),
    unsupported,
    ...(uses !== undefined && { inferred: toInference(uses) }),
  };
}

/** One function expression: evaluating the script runs nothing. No newline before the code, so lines stay true. */
function wrap(entry: string, code: string): string {
  const filename = `/package/${entry}`;
  const meta = [`file://${encodeURI(filename)}`, filename, filename.slice(0, filename.lastIndexOf('/'))].map((text) => JSON.stringify(text));
  return `(function(require,module,exports,__filename,__dirname){var __dash_meta_url=${meta[0]},__dash_meta_filename=${meta[1]},__dash_meta_dirname=${meta[2]};${code}\n})`;
}

/** Host libraries are scripts of their own; only what a bundle names is loaded. */
function partsFor(externals: readonly string[], code: string): RuntimePart[] {
  const parts = new Set<RuntimePart>();
  // A tool's arguments are checked in the guest, by the same library that its schema is written with.
  if (code.includes('registerTool')) parts.add('typebox');
  // A panel is handed the user's keys, and pi's library says which key is which.
  if (/\.(custom|setEditorComponent)\(/.test(code)) parts.add('pi-tui');
  for (const name of externals) {
    if (/^(pi-tui|pi-coding-agent)(\/|$)/.test(name)) parts.add('pi-tui');
    if (/^(typebox|pi-ai|pi-coding-agent|dash-agent)(\/|$)/.test(name)) parts.add('typebox');
  }
  return [...parts].sort();
}

function toCompileFailure({ entry, code, message, where }: EntryReply & { kind: 'failed' }): CompileFailure {
  return { entry, error: { code, message, ...(where && { where }) } };
}
