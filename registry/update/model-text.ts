import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';

import { type CaptureOutcome, type CompiledPackage, DashError, type Resources, sortedJson } from '../../format/index.ts';
import { readIfPresent } from '../store/durable-file.ts';

/** Everything of a package that a model reads, and the digest of each: `tool greet` → sha256. */
export type ModelText = ReadonlyMap<string, string>;

export interface TextSource {
  readonly resources: Resources;
  readonly compiled: CompiledPackage;
  readonly captureOutcomes: readonly CaptureOutcome[];
  /** Where the files lie; beside it stands `files.sha256`. */
  readonly dir: string;
}

/**
 * Collects descriptions and schemas of tools, whole skills with the files beside them, and prompts.
 *
 * @throws {DashError} STORE_CORRUPT when the listing of the tree is gone
 */
export async function readModelText({ resources, compiled, captureOutcomes, dir }: TextSource): Promise<ModelText> {
  const text = new Map<string, string>();
  for (const outcome of captureOutcomes) {
    if (outcome.kind === 'ok') {
      for (const { name, description, parameters, promptSnippet, promptGuidelines } of outcome.registrations.tools) {
        text.set(`tool \`${name}\``, sha256(sortedJson({ description, parameters, promptSnippet, promptGuidelines })));
      }
    } else {
      // what it says is known only once it runs: other code may say anything
      text.set(`extension \`${outcome.entry}\``, compiled.entries.find(({ entry }) => entry === outcome.entry)?.code ?? 'unknown');
    }
  }
  if (resources.skills.length + resources.prompts.length === 0) return text;
  const files = await readListing(dir);
  for (const path of resources.skills) {
    const folder = /(^|\/)skill\.md$/i.test(path) ? path.slice(0, path.lastIndexOf('/') + 1) : path;
    const inside = files.filter((file) => file.path.startsWith(folder));
    text.set(`skill \`${folder.replace(/\/$/, '') || path}\``, sha256(inside.map(({ path: name, digest }) => `${digest} ${name}\n`).join('')));
  }
  for (const path of resources.prompts) text.set(`prompt \`${path}\``, files.find((file) => file.path === path)?.digest ?? 'unknown');
  return text;
}

async function readListing(dir: string): Promise<readonly { readonly path: string; readonly digest: string }[]> {
  const path = join(dirname(dir), 'files.sha256');
  const listing = await readIfPresent(path);
  if (listing === undefined)
    throw new DashError('STORE_CORRUPT', `\`${path}\` is missing`, { hint: '`dash install` brings back what the lock names', where: { path } });
  const lines = listing.split('\n').filter((line) => line !== '');
  return lines.map((line) => ({ digest: line.slice(0, 64), path: line.slice(66) }));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
