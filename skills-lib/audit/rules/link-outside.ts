import { posix } from 'node:path';
import type { AuditRule, RuleMatch } from '../rule.ts';

/** A text that sends the reader to a file which did not come with it: what stands there, nobody looked at. */
export const linkOutside: AuditRule = {
  id: 'link-outside',
  severity: 'notice',
  find({ path, text }) {
    const matches: RuleMatch[] = [];
    for (const { 1: target = '', index } of text.matchAll(/\]\(\s{0,4}<?([^\s)>#?]{1,300})/g)) {
      if (matches.length >= 20) break;
      // `/guides/start` is a page of a site; `/etc/passwd` is a file
      if (target.startsWith('/') && !SYSTEM.test(target)) continue;
      if (leadsOutside(path, target)) matches.push({ offset: index, message: `links to \`${target}\`, which is outside of the package` });
    }
    return matches;
  },
};

const SYSTEM = /^\/(?:etc|home|root|usr|var|tmp|opt|proc|dev|mnt|srv|Users|Library|Applications|private)\//;

/** Tells whether a path in the file at `from` leaves what `from` is relative to. Addresses and anchors do not. */
export function leadsOutside(from: string, target: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return /^file:/i.test(target);
  if (/^(?:~|\/(?!\/)|[\\])/.test(target)) return true;
  return posix.normalize(posix.join(posix.dirname(from), target)).split('/')[0] === '..';
}
