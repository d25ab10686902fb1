import type { AuditRule, RuleMatch } from '../rule.ts';

/**
 * Characters that people do not see and models read. Contextual: the tags of a flag, the joiners of an emoji and of
 * scripts that need them, and one variation selector are what they look like.
 */
export const hiddenUnicode: AuditRule = {
  id: 'hidden-unicode',
  severity: 'high',
  find({ text }) {
    const matches: RuleMatch[] = [];
    for (const { pattern, what } of HIDDEN) {
      for (const { 0: found, index } of text.matchAll(pattern)) {
        if (matches.length >= 20) return matches;
        const point = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
        matches.push({ offset: index, message: `${what} (U+${point})` });
      }
    }
    return matches;
  },
};

const HIDDEN = [
  // a flag is the black flag, at most a few tags, and the end tag
  { pattern: /(?<!\u{1F3F4}[\u{E0020}-\u{E007E}]{0,8})[\u{E0000}-\u{E007F}]/gu, what: 'text in tag characters' },
  { pattern: /[\u{E0100}-\u{E01EF}]{2}/gu, what: 'bytes in variation selectors' },
  { pattern: /[\uFE00-\uFE0F]{2}/gu, what: 'several variation selectors in a row' },
  { pattern: /[\u202A-\u202E\u2066-\u2069]/gu, what: 'text that reads in another order than it stands' },
  { pattern: /(?<=[A-Za-z0-9_])[\u200B-\u200D\u2060\uFEFF](?=[A-Za-z0-9_])/gu, what: 'an invisible character inside a word' },
] as const;
