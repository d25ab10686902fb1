import { join } from 'node:path';

import { readAuditAnchors } from '../../host/index.ts';
import { type AuditFault, type AuditVerdict, verifyAudit } from '../../sandbox/index.ts';
import type { DefineCommand } from '../command.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = () => {
  return async ({ home, stdout }) => {
    const directory = join(home, 'audit');
    const verdict = verifyAudit(directory, await readAuditAnchors(home));
    return { kind: 'document', document: { directory, ...verdict }, text: textOf(verdict, stdout.style), exitCode: verdict.intact ? 0 : 5 };
  };
};

function textOf({ intact, faults, files, records, since, provenUntil, unproven, anchors }: AuditVerdict, style: Style): string {
  if (since === null && intact) return 'there is no audit trail: no package ran yet\n';
  const lines = faults.map((fault) => `${style.bad(fault.kind)}: ${wordsOf(fault)}`);
  const extent = `${count(files, 'file')}, ${count(records, 'record')}`;
  if (intact) lines.push(`${style.good('intact')} since ${oneLine(since ?? '')}: ${extent}`);
  else lines.push(`${style.bad('not intact')}: ${extent}; what is named above cannot be trusted`);
  if (provenUntil !== null)
    lines.push(`named elsewhere up to ${oneLine(provenUntil)}, by later files and by ${count(anchors, 'anchor')} in sessions: nothing before it was cut off`);
  // a chain shows what was changed, not what is no longer there at its end
  if (unproven > 0)
    lines.push(`${count(unproven, 'record')}, the newest of each file, are named by nothing else: that none after them was cut off cannot be proven`);
  return `${lines.join('\n')}\n`;
}

function wordsOf({ file, kind, line, by }: AuditFault): string {
  const name = oneLine(file);
  switch (kind) {
    case 'changed':
      return `${name} does not follow from itself from line ${line ?? 1} on: a line was edited, added or taken out`;
    case 'shortened':
      return `${name} lacks a line that ${oneLine(by ?? '')} names: its end was cut off`;
    case 'missing':
      return `${name} is gone; ${oneLine(by ?? '')} names it`;
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
