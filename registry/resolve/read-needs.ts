import type { Needs } from './dependencies.ts';

/** Reads what a dependency needs out of its own package.json; what has the wrong form there asks for nothing. */
export function readNeeds(text: string): Needs {
  const manifest: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  return {
    name: String(memberOf(manifest, 'name')),
    version: String(memberOf(manifest, 'version')),
    dependencies: namesIn(memberOf(manifest, 'dependencies')),
    optionalDependencies: namesIn(memberOf(manifest, 'optionalDependencies')),
    peerDependencies: namesIn(memberOf(manifest, 'peerDependencies')),
    optionalPeers: [],
  };
}

function namesIn(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
