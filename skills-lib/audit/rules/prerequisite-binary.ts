import { type AuditRule, inOrder } from '../rule.ts';

/** The lure of the first campaigns: the skill works only after a program from elsewhere was started. */
export const prerequisiteBinary: AuditRule = {
  id: 'prerequisite-binary',
  severity: 'high',
  find: ({ text }) =>
    inOrder(text, /\b(?:prerequisite|required?|must|before (?:you|using|running)|important)\b/i, [
      [170, /\b(?:download|install)\b/i],
      [165, /\.(?:exe|dmg|pkg|msi|scr|zip|rar|7z)\b/i],
      [130, /\b(?:run|execute|open|launch|start|extract)\b/i],
    ]).map((offset) => ({ offset, message: 'makes a downloaded program a prerequisite' })),
};
