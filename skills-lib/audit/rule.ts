/** A text file of a package or a skill. */
export interface AuditedText {
  /** Relative, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Where a rule found something; `offset` counts characters of the text. */
export interface RuleMatch {
  readonly offset: number;
  readonly message: string;
}

/** One kind of danger that can be read in a text. */
export interface AuditRule {
  /** Stable, in kebab case. */
  readonly id: string;
  /** `high` fails the audit, `notice` is for a person to weigh. */
  readonly severity: 'high' | 'notice';
  find(file: AuditedText): readonly RuleMatch[];
}

/**
 * Makes a rule of an expression that takes linear time: no quantifier inside a quantifier, every run is bounded. What is
 * `exempt` does not count towards the most that are told, or twenty harmless ones would hide the next.
 */
export function patternRule(
  id: string,
  severity: AuditRule['severity'],
  pattern: RegExp,
  message: string,
  isExempt: (text: string, offset: number) => boolean = () => false,
): AuditRule {
  const everywhere = new RegExp(pattern, [...new Set([...pattern.flags, 'g'])].join(''));
  return {
    id,
    severity,
    find({ text }) {
      const matches: RuleMatch[] = [];
      for (const { index } of text.matchAll(everywhere)) {
        if (isExempt(text, index)) continue;
        matches.push({ offset: index, message });
        if (matches.length >= MOST_TOLD) break;
      }
      return matches;
    },
  };
}

/**
 * Finds words that follow each other on a line, each within so many characters of the one before: what an expression of
 * several bounded runs says, in linear time. `first` and the others take no `g`.
 */
export function inOrder(text: string, first: RegExp, others: readonly (readonly [within: number, pattern: RegExp])[]): readonly number[] {
  const found: number[] = [];
  for (const { 0: start, index } of text.matchAll(new RegExp(first, `${first.flags}g`))) {
    let at = index + start.length;
    const isWhole = others.every(([within, pattern]) => {
      const next = pattern.exec(text.slice(at, at + within).split('\n', 1)[0] ?? '');
      at += (next?.index ?? 0) + (next?.[0].length ?? 0);
      return next !== null;
    });
    if (!isWhole) continue;
    found.push(index);
    if (found.length >= MOST_TOLD) break;
  }
  return found;
}

const MOST_TOLD = 20;
