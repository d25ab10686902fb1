import { listSessions } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.option('--all', 'of every directory, not of this one only');
  return async ({ home, cwd, stdout: { style } }) => {
    const { all } = command.opts<{ readonly all?: boolean }>();
    const sessions = await listSessions(home, all === true ? undefined : cwd);
    const rows = sessions.map(({ id, name, firstMessage, messages, updatedAt, cwd: place }) => [
      style.strong(id.slice(0, 8)),
      updatedAt.slice(0, 16).replace('T', ' '),
      `${messages} ${messages === 1 ? 'message' : 'messages'}`,
      ...(all === true ? [style.dim(oneLine(place))] : []),
      oneLine(name ?? firstMessage).slice(0, 60),
    ]);
    const text = rows.length === 0 ? 'there is no session of this directory yet; `--all` lists those of others\n' : formatTable(rows);
    return { kind: 'document', document: { sessions }, text };
  };
};
