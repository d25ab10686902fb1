import type { Diagnostic } from '../../../format/index.ts';
import { type Check, lineAt, textOf } from './check-subject.ts';

const SECRET_FILES = /(^|\/)(\.env(\..+)?|\.npmrc|\.netrc|id_(rsa|dsa|ecdsa|ed25519)|[^/]+\.(pem|key|p12|pfx))$/;
const EXAMPLES = /\.(example|sample|template)$/;

/** Forms that keys of large services are issued in; each has so much of its own that ordinary text does not match. */
const SECRET_TEXTS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/ },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  { what: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b/ },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { what: 'a Slack token', pattern: /\bxox[abprs]-[A-Za-z0-9-]{20,}/ },
  { what: 'an API key of a model provider', pattern: /\bsk-(?:ant-|proj-)[A-Za-z0-9_-]{20,}/ },
  { what: 'a Google API key', pattern: /\bAIza[0-9A-Za-z_-]{35}\b/ },
];

/** Secrets that would be public for ever: a published version cannot be taken back. The value is never shown. */
export const checkSecrets: Check = ({ files }) =>
  files.flatMap(({ path, bytes }): Diagnostic[] => {
    if (SECRET_FILES.test(path) && !EXAMPLES.test(path)) {
      return [{ severity: 'error', code: 'SECRET_FILE', message: 'would be published; leave it out with `files` in package.json', where: { path } }];
    }
    const text = textOf(bytes);
    if (text === undefined) return [];
    return SECRET_TEXTS.flatMap(({ what, pattern }): Diagnostic[] => {
      const found = pattern.exec(text);
      return found ? [{ severity: 'error', code: 'SECRET_IN_TEXT', message: `holds ${what}`, where: { path, line: lineAt(text, found.index) } }] : [];
    });
  });
