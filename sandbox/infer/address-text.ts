import { HOLE } from './value.ts';

/** What an address says: the permission for its host, nothing (`data:` and its like), or that it cannot be told. */
export type AddressNeed =
  | { readonly kind: 'permission'; readonly permission: string; /** Empty when it is a wildcard. */ readonly host: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'computed' };

const COMPUTED: AddressNeed = { kind: 'computed' };
const UNTIL_A_PATH = new RegExp(`[a-z0-9]${HOLE}$`, 'i');

/** The `net:` permission for a URL. Only a host that is written to its end counts: `https://api.` and more may be any. */
export function addressNeed(text: string): AddressNeed {
  const [, scheme = '', authority = '', rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^]*)$/i.exec(text) ?? [];
  if (scheme === '') return /^(data|blob|about):/i.test(text) ? { kind: 'none' } : COMPUTED;
  const protocol = scheme.toLowerCase().replace(/^ws/, 'http');
  if (protocol !== 'https' && protocol !== 'http') return COMPUTED;
  // `https://api.example.com${path}`: what follows may belong to the host, but begins with a `/` wherever this is meant
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return hostNeed(rest === '' && UNTIL_A_PATH.test(host) ? host.slice(0, -HOLE.length) : host, protocol);
}

/** The `net:` permission for `host[:port]`. A first label that is not known is any below the rest. */
export function hostNeed(authority: string, protocol: 'https' | 'http', otherPort?: number): AddressNeed {
  const [, written = '', port] = /^(\[[0-9a-f:.]*\]|[^:]*)(?::(\d{1,5}))?$/i.exec(authority) ?? [];
  const labels = written.split('.');
  const known = labels.findLastIndex((label) => label.includes(HOLE)) + 1;
  const rest = labels.slice(known);
  // a bare word is a name nobody registered, such as `http://x` in a pattern; the machine itself is one that is meant
  const isName = rest.every((label) => /^[\p{L}\p{N}_-]+$/u.test(label)) && (rest.length > 1 || (known === 0 && written === 'localhost'));
  if (!isName && !(known === 0 && written.startsWith('['))) return COMPUTED;
  const wanted = Number(port ?? otherPort ?? (protocol === 'http' ? 80 : 443));
  const host = known === 0 ? written : `*.${rest.join('.')}`;
  return { kind: 'permission', permission: `net:${host}${wanted === 443 ? '' : `:${wanted}`}`, host: known === 0 ? written : '' };
}
