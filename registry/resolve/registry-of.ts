import { DashError } from '../../format/index.ts';
import { type NpmConfig, UNTRUSTED } from '../npm-config.ts';

/**
 * Gives the registry that a name is bound to, absent when it is npm's default one. A name of a bound scope is looked for
 * nowhere else. As npm decides it, without loading npm.
 *
 * @throws {DashError} SOURCE_UNTRUSTED when only a project that is not trusted binds its scope
 */
export async function registryOf(name: string, npm: NpmConfig): Promise<string | undefined> {
  const scope = /^(@[^/]+)\//.exec(name)?.[1];
  if (scope !== undefined && npm[`${scope}:registry`] === undefined && npm[`${scope}:${UNTRUSTED}`] !== undefined) {
    throw new DashError(
      'SOURCE_UNTRUSTED',
      `\`.npmrc\` of this project binds \`${scope}\` to \`${printable(npm[`${scope}:${UNTRUSTED}`])}\`, and you did not say that you trust it`,
      {
        hint: `\`--trust-project\` uses it; or bind \`${scope}:registry\` in your own \`.npmrc\``,
      },
    );
  }
  const bound = (scope === undefined ? undefined : npm[`${scope}:registry`]) ?? npm['registry'];
  if (typeof bound !== 'string') return undefined;
  const registry = withSlash(bound);
  return registry === (await defaultRegistry()) ? undefined : registry;
}

/** Gives the registry of names without a scope, with its final slash. */
export async function registryFor(npm: NpmConfig): Promise<string> {
  const { registry } = npm;
  return typeof registry === 'string' ? withSlash(registry) : defaultRegistry();
}

/** npm's own default. */
export async function defaultRegistry(): Promise<string> {
  const { default: defaults } = await import('npm-registry-fetch/lib/default-opts.js');
  return withSlash(defaults.registry);
}

function withSlash(url: string): string {
  return `${url.replace(/\/+$/, '')}/`;
}

/** Without credentials, and without what a terminal obeys. */
function printable(url: NpmConfig[string] | undefined): string {
  return URL.parse(String(url))?.host ?? 'another registry';
}
