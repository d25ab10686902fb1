import { copyFile, writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { DashError } from '../../format/index.ts';
import { exportHtml, exportSession, findSession, openSession, type SessionTree } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('[session]', 'the beginning of an id, or a path; otherwise the newest of this directory')
    .option('-o, --output <file>', 'its ending says what is written: `.html` a page without script, `.json` one document, `.jsonl` the session itself');
  return async ({ home, cwd, globals, stderr }) => {
    const { output } = command.opts<{ readonly output?: string }>();
    const path = await findSession(command.args[0], { dashHome: home, cwd });
    const { tree, diagnostics } = await openSession(path);
    stderr.write(formatDiagnostics(diagnostics, stderr.style));
    // the document on stdout is the export that `--json` asks for
    const written = globals.json === true && output === undefined ? undefined : await write(tree, path, output, cwd);
    return {
      kind: 'document',
      document: { ...exportSession(tree), ...(written === undefined ? {} : { path: written }) },
      text: `written to ${written}\n`,
    };
  };
};

async function write(tree: SessionTree, from: string, output: string | undefined, cwd: string): Promise<string> {
  if (output === undefined) return exportHtml(tree, undefined, cwd);
  const to = resolve(cwd, output);
  switch (extname(to)) {
    case '.html':
      return exportHtml(tree, to, cwd);
    case '.json':
      await writeFile(to, `${JSON.stringify(exportSession(tree), undefined, 2)}\n`, { mode: 0o600 });
      return to;
    case '.jsonl':
      await copyFile(from, to);
      return to;
    default:
      throw new DashError('USAGE', `\`${output}\` ends in nothing that a session can be written as`, { hint: 'end it in `.html`, `.json` or `.jsonl`' });
  }
}
