import { join, dirname } from 'node:path';
import { homedir } from 'node:os';

import { readIfPresent } from './store/durable-file.ts';

/** npm's settings under npm's own names, as pacote takes them: `registry`, `@scope:registry`, `//host/:_authToken`, `proxy` … */
export type NpmConfig = Readonly<Record<string, string | boolean | number>>;

export interface ReadNpmConfigOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  /** A project whose `.npmrc` is read too, for its registries only. Give it only when the project is trusted. */
  readonly trustedProject?: string;
  /** `--registry`. */
  readonly registry?: string;
}

/**
 * Reads the global and the user's `.npmrc` as npm does, and `npm_config_…` variables over them. From a project come
 * `registry` and `@scope:registry` alone, and `${…}` in it stays text: npm itself would send any variable of the
 * environment to a host that a cloned repository names.
 */
export async function readNpmConfig({ env = process.env, home = homedir(), trustedProject, registry }: ReadNpmConfigOptions = {}): Promise<NpmConfig> {
  const fromEnv = settingsOf(env);
  const userFile = fromEnv.get('userconfig') ?? join(home, '.npmrc');
  const user = parseNpmrc((await readIfPresent(userFile)) ?? '', env);
  const prefix = fromEnv.get('prefix') ?? user.get('prefix') ?? env['PREFIX'] ?? dirname(dirname(process.execPath));
  const globalFile = fromEnv.get('globalconfig') ?? user.get('globalconfig') ?? join(prefix, 'etc', 'npmrc');
  const global = parseNpmrc((await readIfPresent(globalFile)) ?? '', env);
  const project = trustedProject === undefined ? [] : registriesOf((await readIfPresent(join(trustedProject, '.npmrc'))) ?? '');
  const merged = new Map([...global, ...user, ...project, ...fromEnv]);
  if (registry !== undefined) merged.set('registry', registry);
  return toOptions(merged);
}

function registriesOf(text: string): [string, string][] {
  return [...parseNpmrc(text, undefined)].filter(([key, value]) => /^(@[^:/]+:)?registry$/.test(key) && URL.canParse(value));
}

/** `key = value` lines; `env` is what `${…}` stands for, without it nothing is replaced. */
function parseNpmrc(text: string, env: Readonly<Record<string, string | undefined>> | undefined): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key = '', written = ''] = /^\s*([^=;#\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    // arrays (`ca[]`) and sections do not concern fetching
    if (key === '' || key.endsWith('[]')) continue;
    const value = /^"(.*)"$|^'(.*)'$/.exec(written);
    const plain = value === null ? written.replace(/\s+[;#].*$/, '') : (value[1] ?? value[2] ?? '');
    settings.set(expand(key, env), expand(plain, env));
  }
  return settings;
}

/** `${NAME}` stays as it is when there is no such variable; `${NAME?}` becomes empty. */
function expand(text: string, env: Readonly<Record<string, string | undefined>> | undefined): string {
  if (env === undefined) return text;
  return text.replaceAll(
    /(?<!\\)\$\{([^${}?]+)(\?)?\}/g,
    (whole, name: string, optional: string | undefined) => env[name] ?? (optional === undefined ? whole : ''),
  );
}

/** Upper and lower case are one for `npm_config_`; keys of hosts and scopes keep theirs. */
function settingsOf(env: Readonly<Record<string, string | undefined>>): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (!/^npm_config_/i.test(name) || value === undefined || value === '') continue;
    const key = name.slice('npm_config_'.length);
    settings.set(/^(\/\/|@)/.test(key) ? key : key.toLowerCase().replaceAll(/(?!^)_/g, '-'), value);
  }
  return settings;
}

/** npm's flag names become the option names of its libraries; everything that does not concern fetching stays out. */
const OPTIONS: Readonly<Record<string, string>> = {
  registry: 'registry',
  proxy: 'proxy',
  'https-proxy': 'httpsProxy',
  noproxy: 'noProxy',
  ca: 'ca',
  cafile: 'cafile',
  'strict-ssl': 'strictSSL',
  'local-address': 'localAddress',
  'user-agent': 'userAgent',
  'fetch-timeout': 'timeout',
  'fetch-retries': 'fetchRetries',
  'fetch-retry-factor': 'fetchRetryFactor',
  'fetch-retry-mintimeout': 'fetchRetryMintimeout',
  'fetch-retry-maxtimeout': 'fetchRetryMaxtimeout',
};

function toOptions(settings: ReadonlyMap<string, string>): NpmConfig {
  const options = new Map<string, string | boolean | number>();
  for (const [key, value] of settings) {
    if (/^@[^:/]+:registry$/.test(key) || key.startsWith('//')) options.set(key, value);
    const option = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
    if (option !== undefined && value !== 'null' && value !== '') options.set(option, toValue(value));
  }
  return Object.fromEntries(options);
}

function toValue(text: string): string | boolean | number {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}
