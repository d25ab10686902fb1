import type { NpmConfig } from '../npm-config.ts';

/** What a registry is shown to know the user: a header, a client certificate, both or nothing. */
export interface Credentials {
  readonly authorization?: string;
  readonly certfile?: string;
  readonly keyfile?: string;
}

/**
 * Finds what npm's settings hold for an address: the longest `//host/path/` that has a token, a password or a certificate,
 * from the address upward. An archive on the host of its own registry may use what that registry's address holds.
 * https://docs.npmjs.com/cli/v11/configuring-npm/npmrc#auth-related-configuration
 */
export function credentialsFor(url: URL, npm: NpmConfig, registry: URL | undefined): Credentials {
  const own = credentialsAbove(url, npm);
  if (own !== undefined) return own;
  return (registry?.host === url.host ? credentialsAbove(registry, npm) : undefined) ?? {};
}

function credentialsAbove({ host, pathname }: URL, npm: NpmConfig): Credentials | undefined {
  for (let place = `//${host}${pathname}`; place.length > 2; place = place.replace(/(?:[^/]+|\/)$/, '')) {
    const found = credentialsAt((key) => textOf(npm[`${place}:${key}`]));
    if (found !== undefined) return found;
  }
  return undefined;
}

function credentialsAt(setting: (key: string) => string | undefined): Credentials | undefined {
  const authorization = authorizationOf(setting);
  const [certfile, keyfile] = [setting('certfile'), setting('keyfile')];
  const isCertified = certfile !== undefined && keyfile !== undefined;
  if (authorization === undefined && !isCertified) return undefined;
  return { ...(authorization !== undefined && { authorization }), ...(isCertified && { certfile, keyfile }) };
}

function authorizationOf(setting: (key: string) => string | undefined): string | undefined {
  const token = setting('_authToken');
  if (token !== undefined) return `Bearer ${token}`;
  const auth = setting('_auth');
  if (auth !== undefined) return `Basic ${auth}`;
  const [username, password] = [setting('username'), setting('_password')];
  if (username === undefined || password === undefined) return undefined;
  // npm keeps the password in base64
  return `Basic ${Buffer.from(`${username}:${Buffer.from(password, 'base64').toString('utf8')}`).toString('base64')}`;
}

/** A token of digits was read as a number. */
function textOf(value: NpmConfig[string] | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : String(value);
}
