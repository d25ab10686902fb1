import { randomBytes } from 'node:crypto';

import { CapabilityFailure } from './define-capability.ts';

/**
 * What a package holds in the place of its secrets. A handle means nothing outside of this process: it stands where the
 * value would stand in `process.env`, and the broker puts the value into the headers that were granted, on the way out.
 */
export interface SecretHandles {
  /** Name → handle, for the package to see. */
  readonly environment: Readonly<Record<string, string>>;
  /** The one port secrets travel to. */
  readonly port: number;
  /** Names of the secrets whose handles stand in a header's value, plain or in basic credentials. */
  namesIn(value: string): readonly string[];
  /** The value with secrets for handles. @throws {CapabilityFailure} when one is not set */
  reveal(value: string): string;
  /** Takes the values out of what a server answered, in the forms a server is likely to repeat them in. */
  scrub(bytes: Buffer): Buffer;
}

/** Looks up a secret's value at the moment it is needed. */
export type LookUpSecret = (name: string) => string | undefined;

const HTTPS_PORT = 443;
/** Shorter ones would take ordinary words out of answers. */
export const MIN_SCRUBBED = 6;

/** Makes handles for these names, new ones each time. */
export function createSecretHandles(names: readonly string[], lookUp: LookUpSecret, port = HTTPS_PORT): SecretHandles {
  const handles = new Map([...new Set(names)].map((name) => [name, `dash-secret-${name}-${randomBytes(16).toString('hex')}`]));
  const replaced = (text: string): string =>
    [...handles].reduce((all, [name, handle]) => (all.includes(handle) ? all.replaceAll(handle, () => valueOf(name, lookUp)) : all), text);

  return {
    environment: Object.fromEntries(handles),
    port,
    namesIn(value) {
      const text = `${value}\n${credentialsIn(value) ?? ''}`;
      return [...handles].filter(([, handle]) => text.includes(handle)).map(([name]) => name);
    },
    reveal(value) {
      const credentials = credentialsIn(value);
      if (credentials === undefined) return replaced(value);
      return `${value.slice(0, value.indexOf(' '))} ${Buffer.from(replaced(credentials), 'utf8').toString('base64')}`;
    },
    scrub(bytes) {
      // Bytes as characters: what is no text stays what it is.
      let text = bytes.toString('latin1');
      for (const name of handles.keys()) {
        const value = lookUp(name);
        if (value === undefined || value.length < MIN_SCRUBBED) continue;
        for (const form of formsOf(value)) text = text.replaceAll(form, `[secret ${name}]`);
      }
      return Buffer.from(text, 'latin1');
    },
  };
}

/** For packages that ask for no secrets. */
export const NO_SECRETS: SecretHandles = {
  environment: {},
  port: HTTPS_PORT,
  namesIn: () => [],
  reveal: (value) => value,
  scrub: (bytes) => bytes,
};

function valueOf(name: string, lookUp: LookUpSecret): string {
  const value = lookUp(name);
  if (value !== undefined) return value;
  throw new CapabilityFailure({ code: 'ENOENT', message: `the secret ${name} is not set; the user sets it with \`dash secret set ${name}\`` });
}

/** `user:password` of basic credentials. */
function credentialsIn(header: string): string | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+=*)$/i.exec(header.trim()) ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

/** Plain, percent, JSON, hex, and base64 at each of its three alignments, as bytes in latin1. Longest first. */
export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const asLatin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
  const base64 = [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // What the neighbours of the secret have a part in is left out.
    const inner = encoded.slice([0, 2, 3][offset], Math.floor(((offset + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = bytes.toString('hex');
  const percent = encodeURIComponent(value);
  const all = [
    value,
    percent,
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    JSON.stringify(value).slice(1, -1),
    hex,
    hex.toUpperCase(),
    ...base64,
  ];
  return [...new Set(all.map(asLatin1))].filter((form) => form.length >= MIN_SCRUBBED).toSorted((a, b) => b.length - a.length);
}
