import { join, dirname } from 'node:path';
import { homedir } from 'node:os';

import type { Diagnostic } from '../format/index.ts';
import { readIfPresent } from './store/durable-file.ts';

/** npm's settings under npm's own names, as its libraries take them: `registry`, `@scope:registry`, `//host/:_authToken`, `proxy` … */
export type NpmConfig = Readonly<Record<string, string | boolean | number>>;

export interface ReadNpmConfigOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  /** Where the command works. Of its `.npmrc` only registries are ever used, and those only when the project is trusted. */
  readonly project?: { readonly dir: string; readonly isTrusted: boolean };
  /** `--registry`. */
  readonly registry?: string;
}

/** Stands for the registry that a project binds a scope to while nobody trusts the project. */
export const UNTRUSTED = 'untrusted-registry';

/**
 * Reads the global and the user's `.npmrc` as npm does, and `npm_config_…` variables over them. From a project come
 * `registry` and `@scope:registry` alone, and `${…}` in it stays text: npm itself would send any variable of the
 * environment to a host that a cloned repository names. While the project is not trusted a scope that only it binds is
 * marked, so that its names are looked up nowhere: neither where a stranger says nor where anybody may publish them.
 */
export async function readNpmConfig({ env = process.env, home = homedir(), project, registry }: ReadNpmConfigOptions = {}): Promise<NpmConfig> {
  const fromEnv = settingsOf(env);
  const userFile = fromEnv.get('userconfig') ?? join(home, '.npmrc');
  const user = parseNpmrc((await readIfPresent(userFile)) ?? '', env);
  const prefix = fromEnv.get('prefix') ?? user.get('prefix') ?? env['PREFIX'] ?? dirname(dirname(process.execPath));
  const globalFile = fromEnv.get('globalconfig') ?? user.get('globalconfig') ?? join(prefix, 'etc', 'npmrc');
  const global = parseNpmrc((await readIfPresent(globalFile)) ?? '', env);
  const named = project === undefined ? [] : registriesOf((await readProjectFile(project.dir, home)) ?? '');
  const merged = new Map([...global, ...user, ...(project?.isTrusted === true ? named : []), ...fromEnv]);
  for (const [key, value] of named) if (key.startsWith('@') && !merged.has(key)) merged.set(key.replace(/registry$/, UNTRUSTED), value);
  if (registry !== undefined) merged.set('registry', registry);
  return toOptions(merged);
}

/**
 * Says what of a project's `.npmrc` is not used, and why. Values, which may be tokens, are not shown.
 */
export async function unusedProjectSettings(
  { dir, isTrusted }: { readonly dir: string; readonly isTrusted: boolean },
  home = homedir(),
): Promise<Diagnostic[]> {
  const text = await readProjectFile(dir, home);
  if (text === undefined) return [];
  const registries = registriesOf(text).map(([key]) => key);
  const others = [...parseNpmrc(text, undefined).keys()].filter((key) => !registries.includes(key));
  const list = (keys: readonly string[]) => keys.map((key) => `\`${key}\``).join(', ');
  const of = (code: string, message: string): Diagnostic => ({ severity: 'info', code, message, where: { path: join(dir, '.npmrc') } });
  return [
    ...(isTrusted || registries.length === 0
      ? []
      : [of('PROJECT_NOT_TRUSTED', `${list(registries)} not used: \`--trust-project\` takes registries from this project`)]),
    ...(others.length === 0
      ? []
      : [of('PROJECT_NPMRC_IGNORED', `${list(others)} ignored: only registries are taken from a project; your own \`.npmrc\` may hold the rest`)]),
  ];
}

/** The user's own file is not a project's, also when they work at home. */
async function readProjectFile(dir: string, home: string): Promise<string | undefined> {
  return dir === home ? undefined : readIfPresent(join(dir, '.npmrc'));
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
    if (/^@[^:/]+:(?:untrusted-)?registry$/.test(key) || key.startsWith('//')) options.set(key, value);
    const option = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
    if (option !== undefined && value !== 'null' && value !== '') options.set(option, toValue(value));
  }
  return Object.fromEntries(options);
}

function toValue(text: string): string | boolean | number {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}
