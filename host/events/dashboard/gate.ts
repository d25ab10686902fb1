import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What of a request the gate looks at. */
export interface Knock {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, where the browser says it. */
  readonly site: string | undefined;
}

/** Decides who may read. It is for one browser of the person who started it, and for no other page of that browser. */
export interface Gate {
  /** What is typed behind the `#` of the address; good for one exchange. */
  readonly code: string;
  /** Under which path the data lie. Cookies are shared by all ports of a machine: another server on it is not sent ours, because it does not know the path. */
  readonly area: string;
  /** Why a request is refused before anything is looked up; `undefined` lets it in. */
  refuse(knock: Knock): string | undefined;
  /** Gives the key for the code: once, for a short while, and after few wrong tries to nobody. */
  exchange(code: string): string | undefined;
  /** Whether a `Cookie` header holds the key. */
  holds(cookies: string | undefined): boolean;
}

export const COOKIE = 'dash_dashboard';
/** How long the address on the terminal may be used. */
export const CODE_MS = 10 * 60_000;
const MOST_TRIES = 5;

/** Makes a gate for the server at `authority`, e.g. `127.0.0.1:4711`: this very name, so that no other name that leads here does. */
export function createGate(authority: string, now: () => number = Date.now): Gate {
  const [code, key, area] = [secret(18), secret(32), secret(18)];
  const until = now() + CODE_MS;
  let tries = 0;
  let isSpent = false;
  return {
    code,
    area,
    refuse({ host, origin, site }) {
      if (host !== authority) return 'this server has one name only';
      if (origin !== undefined && origin !== `http://${authority}`) return 'another page may not ask this server';
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'another page may not ask this server';
      return undefined;
    },
    exchange(given) {
      if (isSpent || now() > until || tries >= MOST_TRIES) return undefined;
      tries += 1;
      if (!isSame(given, code)) return undefined;
      isSpent = true;
      return key;
    },
    holds: (cookies = '') =>
      cookies.split(';').some((cookie) => {
        const [name, value = ''] = cookie.trim().split('=', 2);
        return name === COOKIE && isSame(value, key);
      }),
  };
}

function secret(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/** Compared by their hashes: neither length nor beginning tells by time. */
function isSame(given: string, wanted: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
