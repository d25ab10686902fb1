import { hash } from 'node:crypto';

import { DashError } from '../../format/index.ts';

/** Gives the sha512 of bytes as npm writes it. */
export function integrityOf(bytes: Buffer): string {
  return `sha512-${hash('sha512', bytes, 'base64')}`;
}

/**
 * Picks the sha512 out of an integrity string, which may hold several hashes; weaker ones are not worth having.
 *
 * @throws {DashError} INTEGRITY_MISSING
 */
export function sha512Of(integrity: string | undefined, what: string): string {
  const found = integrity
    ?.split(/\s+/)
    .map((hash) => hash.replace(/\?.*$/s, ''))
    .find((hash) => /^sha512-[A-Za-z0-9+/]{86}==$/.test(hash));
  if (found !== undefined) return found;
  throw new DashError('INTEGRITY_MISSING', `\`${what}\` has no sha512 on the registry`, { hint: 'ask its author to publish it again with a current npm' });
}

/** @throws {DashError} INTEGRITY_MISMATCH when the bytes are not the ones that were promised */
export function assertIntegrity(bytes: Buffer, expected: string, what: string): void {
  const actual = integrityOf(bytes);
  if (actual === expected) return;
  throw new DashError('INTEGRITY_MISMATCH', `\`${what}\` is not what was promised: expected \`${expected}\`, got \`${actual}\``, {
    hint: 'try again; if it stays, the archive was replaced: do not install it',
  });
}
