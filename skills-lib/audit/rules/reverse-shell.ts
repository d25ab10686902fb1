import { type AuditRule, inOrder, patternRule } from '../rule.ts';

const oneCommand = patternRule(
  'reverse-shell',
  'high',
  /\b(?:ba|z|da)?sh\s+-i\b[^\n]{0,80}\/dev\/(?:tcp|udp)\/|\bn(?:c|cat)\b[^\n]{0,80}\s-[a-z]{0,4}e\s*\/bin\//i,
  'gives a shell to another machine',
);

/** A shell whose other end is somebody else's. */
export const reverseShell: AuditRule = {
  ...oneCommand,
  find: (file) => [
    ...oneCommand.find(file),
    ...inOrder(file.text, /\bsocket\b/i, [
      [210, /\b(?:dup2|subprocess)\b/i],
      [215, /\/bin\/(?:ba)?sh/i],
    ]).map((offset) => ({ offset, message: 'gives a shell to another machine' })),
  ],
};
