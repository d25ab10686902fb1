import { patternRule } from '../rule.ts';

/** A password keeps scanners out of an archive, and nobody else. */
export const passwordArchive = patternRule(
  'password-archive',
  'high',
  /\bunzip\b[^\n]{0,60}\s-P\s*\S|\b7z(?:a|z)?\s+[xe]\b[^\n]{0,100}\s-p\S|\b(?:extract|unpack|unzip|archive)\b[^\n]{0,80}\b(?:password|pass|pwd)\s*(?:is|:|=)\s*[`"']?\w/i,
  'unpacks an archive with a password',
);
