import type { AuditRule } from '../rule.ts';

const MIN_LENGTH = 80;
const MAX_LENGTH = 100_000;

/** Data has one coat; what was packed twice is hidden. */
export const doubleBase64: AuditRule = {
  id: 'double-base64',
  severity: 'high',
  find: ({ text }) =>
    [...text.matchAll(/[A-Za-z0-9+/]{80,}={0,2}/g)].flatMap(({ 0: outer, index }) => {
      if (outer.length > MAX_LENGTH) return [];
      const once = Buffer.from(outer, 'base64').toString('latin1');
      const inner = /[A-Za-z0-9+/]{40,}={0,2}/.exec(once)?.[0];
      if (inner === undefined || inner.length < once.length * 0.9 || outer.length < MIN_LENGTH) return [];
      const twice = Buffer.from(inner, 'base64').toString('latin1');
      return /^[\t\n\r\x20-\x7E]+$/.test(twice) ? [{ offset: index, message: 'text that is encoded twice' }] : [];
    }),
};
