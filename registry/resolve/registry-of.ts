import type { NpmConfig } from '../npm-config.ts';

/**
 * Gives the registry that a name is bound to, absent when it is npm's default one. A name of a bound scope is looked for
 * nowhere else. As npm decides it, without loading npm.
 */
export async function registryOf(name: string, npm: NpmConfig): Promise<string | undefined> {
  const scope = /^(@[^/]+)\//.exec(name)?.[1];
  const bound = (scope === undefined ? undefined : npm[`${scope}:registry`]) ?? npm['registry'];
  if (typeof bound !== 'string') return undefined;
  const registry = withSlash(bound);
  return registry === (await defaultRegistry()) ? undefined : registry;
}

/** npm's own default. */
export async function defaultRegistry(): Promise<string> {
  const { default: defaults } = await import('npm-registry-fetch/lib/default-opts.js');
  return withSlash(defaults.registry);
}

function withSlash(url: string): string {
  return `${url.replace(/\/+$/, '')}/`;
}
