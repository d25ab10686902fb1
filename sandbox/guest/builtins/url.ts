import { completeModule } from './throwing-members.ts';
import { argumentError } from './system-error.ts';

interface LegacyUrl {
  protocol?: string | null;
  slashes?: boolean | null;
  auth?: string | null;
  host?: string | null;
  port?: string | number | null;
  hostname?: string | null;
  hash?: string | null;
  search?: string | null;
  query?: unknown;
  pathname?: string | null;
  path?: string | null;
  href?: string;
}

/** Makes `url`: the WHATWG classes, file URLs, and the legacy functions over them. */
export function createUrl(querystring: { parse(text: string): unknown; stringify(query: unknown): string }): Record<string, unknown> {
  const parse = (text: string, parseQuery = false): LegacyUrl => {
    if (typeof text !== 'string') throw argumentError('url', 'of type string', text);
    const [, protocol = null, slashes, authority = null, pathname = null, search = null, hash = null] =
      /^([a-z][a-z0-9+.-]*:)?(?:(\/\/)([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(text.trim()) ?? [];
    const at = authority?.lastIndexOf('@') ?? -1;
    const host = authority === null ? null : authority.slice(at + 1).toLowerCase();
    const port = /:(\d+)$/.exec(host ?? '')?.[1] ?? null;
    const isWeb = /^(?:https?|ftp|ws|wss):$/i.test(protocol ?? '');
    const path = isWeb && host !== null && !pathname ? '/' : pathname || null;
    const query = search?.slice(1) ?? null;
    const result: LegacyUrl = {
      protocol: protocol?.toLowerCase() ?? null,
      slashes: slashes === undefined ? null : true,
      auth: at < 0 ? null : decodeURIComponent(authority?.slice(0, at) ?? ''),
      host,
      port,
      hostname: host === null ? null : (port === null ? host : host.slice(0, -port.length - 1)).replace(/^\[(.*)\]$/, '$1'),
      hash,
      search: search ?? (parseQuery ? '' : null),
      query: parseQuery ? querystring.parse(query ?? '') : query,
      pathname: path,
      path: path === null && search === null ? null : `${path ?? ''}${search ?? ''}`,
    };
    return { ...result, href: format(result) };
  };

  const format = (given: LegacyUrl | URL | string, options: { fragment?: boolean; search?: boolean; auth?: boolean } = {}): string => {
    if (typeof given === 'string') return format(parse(given));
    if (given instanceof URL) {
      const url = new URL(given);
      if (options.fragment === false) url.hash = '';
      if (options.search === false) url.search = '';
      if (options.auth === false) url.username = url.password = '';
      return url.href;
    }
    const protocol = given.protocol ? (given.protocol.endsWith(':') ? given.protocol : `${given.protocol}:`) : '';
    const auth = given.auth ? `${encodeURIComponent(given.auth).replace('%3A', ':')}@` : '';
    const hostname = given.hostname?.includes(':') ? `[${given.hostname}]` : given.hostname;
    const host = given.host ? auth + given.host : hostname ? `${auth}${hostname}${given.port ? `:${given.port}` : ''}` : '';
    const hasSlashes = given.slashes || (host !== '' && /^(?:https?|ftp|file|ws|wss):$/.test(protocol));
    const pathname = given.pathname ?? '';
    const query = typeof given.query === 'object' && given.query !== null ? querystring.stringify(given.query) : '';
    const search = given.search ?? (query === '' ? '' : `?${query}`);
    const mark = (text: string, sign: string) => (text === '' || text.startsWith(sign) ? text : sign + text);
    return (
      protocol +
      (hasSlashes ? '//' : '') +
      host +
      (hasSlashes && host !== '' && pathname !== '' ? mark(pathname, '/') : pathname) +
      mark(search, '?') +
      mark(given.hash ?? '', '#')
    );
  };

  const resolve = (from: string, to: string): string => {
    // A base that no absolute URL can be, so that a relative `from` gives a relative answer.
    const base = new URL(from, 'resolve://');
    const resolved = new URL(to, base);
    return resolved.protocol === 'resolve:' ? resolved.pathname + resolved.search + resolved.hash : resolved.href;
  };

  const fileURLToPath = (given: string | URL): string => {
    const url = typeof given === 'string' ? new URL(given) : given;
    if (url?.protocol !== 'file:') throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
    if (process.platform === 'win32')
      return decodeURIComponent(url.pathname)
        .replace(/^\/([A-Za-z]:)/, '$1')
        .replaceAll('/', '\\');
    if (url.hostname !== '' && url.hostname !== 'localhost')
      throw Object.assign(new TypeError('File URL host must be "localhost" or empty on linux'), { code: 'ERR_INVALID_FILE_URL_HOST' });
    if (/%2f/i.test(url.pathname))
      throw Object.assign(new TypeError('File URL path must not include encoded / characters'), { code: 'ERR_INVALID_FILE_URL_PATH' });
    return decodeURIComponent(url.pathname);
  };

  const pathToFileURL = (path: string): URL => {
    const absolute = path.startsWith('/') ? path : /^[A-Za-z]:[\\/]/.test(path) ? `/${path.replaceAll('\\', '/')}` : `${process.cwd()}/${path}`;
    const url = new URL('file:///');
    url.pathname = absolute
      .replaceAll('%', '%25')
      .replaceAll('\\', '%5C')
      .replaceAll('\n', '%0A')
      .replaceAll('\r', '%0D')
      .replaceAll('\t', '%09')
      .replaceAll('?', '%3F')
      .replaceAll('#', '%23');
    return url;
  };

  const urlToHttpOptions = (url: URL) => ({
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    hash: url.hash,
    search: url.search,
    pathname: url.pathname,
    path: `${url.pathname}${url.search}`,
    href: url.href,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(url.username === '' && url.password === '' ? {} : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
  });
  const domainToASCII = (domain: string) => (URL.canParse(`http://${domain}`) ? new URL(`http://${domain}`).hostname : '');
  return completeModule('url', {
    URL,
    URLSearchParams,
    parse,
    format,
    resolve,
    resolveObject: (from: string, to: string) => parse(resolve(from, to)),
    fileURLToPath,
    pathToFileURL,
    urlToHttpOptions,
    domainToASCII,
  });
}
