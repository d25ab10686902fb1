import { patternRule } from '../rule.ts';

/** Commands after which there is nothing to go back to. A directory below the named one is left out. */
export const destructiveCommand = patternRule(
  'destructive-command',
  'notice',
  /\brm\s+-(?:rf|fr|r\s+-f|f\s+-r)\s+(?:--no-preserve-root\s+)?(?:\/|~|\$HOME|\/\*|~\/\*)(?=\s|$|[`"';&|])|\bmkfs(?:\.\w{1,8})?\s+\/dev\/|\bdd\b[^\n]{0,80}\bof=\/dev\/(?:sd|nvme|disk)|:\(\)\s*\{\s*:\|:&\s*\};:/im,
  'destroys what cannot be brought back',
);
