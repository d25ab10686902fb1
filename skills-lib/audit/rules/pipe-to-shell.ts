import { patternRule } from '../rule.ts';

/** Half of all install instructions do this, so a person has to weigh it. */
export const pipeToShell = patternRule(
  'pipe-to-shell',
  'notice',
  /\b(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:(?:ba|z|da)?sh|python3?|node|perl)\b|\b(?:iex|invoke-expression)\b[^\n]{0,80}\b(?:iwr|irm|downloadstring|invoke-webrequest)\b/i,
  'runs what a server sends, unread',
);
