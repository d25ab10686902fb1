import { patternRule } from '../rule.ts';

/** Text that is decoded and run: nobody who reads it sees what happens. */
export const encodedExecution = patternRule(
  'encoded-execution',
  'high',
  /base64\s+(?:-d|-D|--decode)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:eval|exec)\s*\(\s*(?:atob|base64\.b64decode|Buffer\.from)\s*\(|powershell[^\n]{0,100}\s-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20}/i,
  'decodes text and runs it',
);
