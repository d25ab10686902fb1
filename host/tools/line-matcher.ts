import { createContext, runInContext } from 'node:vm';

/** How long one file may take. An expression that goes back and forth would hold the whole agent. */
const MAX_MS_PER_FILE = 2_000;

/** Gives the indices of the lines that match. */
export type LineMatcher = (lines: readonly string[]) => readonly number[];

/**
 * Compiles an expression of a model's. It is run where it can be interrupted; `node:vm` confines nothing, and nothing has
 * to be confined: a pattern and lines are data.
 *
 * @throws when the pattern is none, and, when it is used, when it takes too long
 */
export function lineMatcher(pattern: string, flags: string): LineMatcher {
  const context = createContext({ expression: new RegExp(pattern, flags), lines: [] as readonly string[], found: [] as number[] });
  return (lines) => {
    context['lines'] = lines;
    context['found'] = [];
    try {
      runInContext('for (let i = 0; i < lines.length; i++) if (expression.test(lines[i])) found.push(i)', context, { timeout: MAX_MS_PER_FILE });
    } catch (error) {
      // An error of that other world is no `Error` of ours.
      if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
        throw new Error(`the pattern takes too long; write it without nested repetition, or take it as text with \`literal\``, { cause: error });
      throw error;
    }
    return context['found'] as readonly number[];
  };
}
