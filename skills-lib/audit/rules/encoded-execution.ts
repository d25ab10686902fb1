import { patternRule } from '../rule.ts';

/** Text that is decoded and run: nobody who reads it sees what happens. */
export const encodedExecution = patternRule(
  'encoded-execution',
  'high',
  /base64\s+(?:-d|-D|--decode)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:eval|exec)\s*\(\s*(?:atob|base64\.b64decode|Buffer\.from)\s*\(|powershell[^\n]{0,100}\s-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20}/i,
  'decodes text and runs it',
  (text, offset) => isProbe(text.slice(offset, offset + 80)),
);

/** `alert(1)` in a coat is how testers of web pages show that something runs; it is decoded here, and can do nothing else. */
function isProbe(text: string): boolean {
  const encoded = /^eval\(atob\((["'])([A-Za-z0-9+/=]+)\1\)\)/.exec(text)?.[2];
  return encoded !== undefined && /^alert\((?:\d{0,6}|'\w{0,20}'|"\w{0,20}"|document\.domain)\);?$/.test(Buffer.from(encoded, 'base64').toString('latin1'));
}
