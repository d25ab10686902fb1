import { patternRule } from '../rule.ts';

/** The lure of the first campaigns: the skill works only after a program from elsewhere was started. */
export const prerequisiteBinary = patternRule(
  'prerequisite-binary',
  'high',
  /\b(?:prerequisite|required?|must|before (?:you|using|running)|important)\b[^\n]{0,160}\b(?:download|install)\b[^\n]{0,160}\.(?:exe|dmg|pkg|msi|scr|zip|rar|7z)\b[^\n]{0,120}\b(?:run|execute|open|launch|start|extract)\b/i,
  'makes a downloaded program a prerequisite',
);
