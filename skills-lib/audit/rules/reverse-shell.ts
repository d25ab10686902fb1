import { patternRule } from '../rule.ts';

/** A shell whose other end is somebody else's. */
export const reverseShell = patternRule(
  'reverse-shell',
  'high',
  /\b(?:ba|z|da)?sh\s+-i\b[^\n]{0,80}\/dev\/(?:tcp|udp)\/|\bn(?:c|cat)\b[^\n]{0,80}\s-[a-z]{0,4}e\s*\/bin\/|\bsocket\b[^\n]{0,200}\b(?:dup2|subprocess)\b[^\n]{0,200}\/bin\/(?:ba)?sh/i,
  'gives a shell to another machine',
);
