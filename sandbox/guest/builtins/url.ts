import { completeModule } from './throwing-members.ts';
import { lendInsides } from './node-insides.ts';
import { unsupported } from './system-error.ts';

interface Punycode {
  toASCII(domain: string): string;
  toUnicode(domain: string): string;
}

const slashed = ['http', 'https', 'ftp', 'gopher', 'file', 'ws', 'wss'];
const withColon = (names: readonly string[]) => new Set(names.flatMap((name) => [name, `${name}:`]));

/** Makes `url`: the WHATWG classes and file URLs; the legacy functions are Node's own. */
export function createUrl(punycode: Punycode): Record<string, unknown> {
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
  lendInsides({
    'internal/url': {
      URL,
      URLSearchParams,
      domainToASCII,
      domainToUnicode: (domain: string) => punycode.toUnicode(domainToASCII(domain)),
      fileURLToPath,
      pathToFileURL,
      urlToHttpOptions,
      unsafeProtocol: withColon(['javascript']),
      hostlessProtocol: withColon(['javascript']),
      slashedProtocol: withColon(slashed),
    },
    'binding url': { format: formatHref },
    'binding url_pattern': {},
    'binding encoding_binding': { toASCII: (domain: string) => punycode.toASCII(domain) },
  });
  const { URLPattern: _URLPattern, fileURLToPathBuffer: _toBuffer, ...members } = require('node-source:url') as Record<string, unknown>;
  return completeModule('url', members);
}

function formatHref(href: string, fragment: boolean, unicode: boolean, search: boolean, auth: boolean): string {
  const url = new URL(href);
  if (!fragment) url.hash = '';
  if (!search) url.search = '';
  if (!auth) url.username = url.password = '';
  if (unicode) throw unsupported('url.format with `unicode`', 'use `url.domainToUnicode`');
  return url.href;
}
