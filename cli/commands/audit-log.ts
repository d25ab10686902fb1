import { join } from 'node:path';

import { DashError } from '../../format/index.ts';
import { type AuditFile, type AuditRecord, readAuditTrails } from '../../sandbox/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';

interface LogFlags {
  readonly package?: string;
  readonly denied?: boolean;
  readonly limit: string;
}

export const define: DefineCommand = (command) => {
  command
    .option('--package <name>', 'only what this package did')
    .option('--denied', 'only what was denied')
    .option('--limit <count>', 'the newest records', '100');
  return async ({ home, stdout }) => {
    const flags = command.opts<LogFlags>();
    const limit = Number(flags.limit);
    if (!Number.isInteger(limit) || limit < 1) throw new DashError('USAGE', `\`--limit ${flags.limit}\` is not a positive number`);

    const files = readAuditTrails(join(home, 'audit'));
    const records = files
      .flatMap((file) => file.records)
      .filter((record) => record['event.name'] !== 'trail.start')
      .filter((record) => flags.package === undefined || record['dash.package'] === flags.package)
      .filter((record) => flags.denied !== true || record.decision === 'deny')
      .slice(-limit);
    return {
      kind: 'document',
      document: { records, broken: files.flatMap(({ file, brokenAt }) => (brokenAt === undefined ? [] : [{ file, line: brokenAt }])) },
      text: `${formatTable(records.map((record) => rowOf(record, stdout.style)))}${files.map((file) => warningFor(file, stdout.style)).join('')}${records.length === 0 ? 'no records\n' : ''}`,
    };
  };
};

function rowOf(record: AuditRecord, style: Style): string[] {
  const decision = record.decision === 'deny' ? style.bad('deny') : (record.decision ?? record['event.name']);
  return [
    style.dim(record.time),
    oneLine(record['dash.package'] ?? ''),
    decision,
    oneLine(record.capability ?? ''),
    oneLine(record.target ?? ''),
    [
      record.rule && style.dim(oneLine(record.rule)),
      record.outcome && style.dim(oneLine(record.outcome)),
      record['on.behalf.of'] && `for ${oneLine(record['on.behalf.of'])}`,
      record.background && 'in the background',
      record.repeated && `${record.repeated} more times`,
    ]
      .filter(Boolean)
      .join(' '),
  ];
}

function warningFor({ file, brokenAt }: AuditFile, style: Style): string {
  return brokenAt === undefined ? '' : `${style.warning('warning')}: ${file} was changed at line ${brokenAt}: what follows cannot be trusted\n`;
}
