import { exportSession, findSession, openSession, sessionText } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { manyLines } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('[session]', 'the beginning of an id, or a path; otherwise the newest of this directory');
  return async ({ home, cwd, stderr }) => {
    const { tree, diagnostics } = await openSession(await findSession(command.args[0], { dashHome: home, cwd }));
    stderr.write(formatDiagnostics(diagnostics, stderr.style));
    return { kind: 'document', document: exportSession(tree), text: manyLines(sessionText(tree)) };
  };
};
