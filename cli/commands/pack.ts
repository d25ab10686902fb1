import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { pack } from '../../registry/publish/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('[dir]', 'the package; default: this directory').option('--out <dir>', 'where to write the tarball; default: this directory');
  return async ({ cwd, globals, stdout }) => {
    const { out = '.' } = command.opts<{ readonly out?: string }>();
    const { filename, tarball, size, unpackedSize, files, integrity, manifest } = await pack(resolve(cwd, command.args[0] ?? '.'));
    if (globals.dryRun !== true) await writeFile(join(resolve(cwd, out), filename), tarball);
    const permissions = manifest.dash.permissions.map(({ permission }) => permission);
    return {
      kind: 'document',
      document: { filename, size, unpackedSize, files, integrity, permissions },
      text: [
        formatTable(files.map((file) => [`  ${oneLine(file.path)}`, `${file.size} bytes`])).trimEnd(),
        `${stdout.style.strong(filename)}  ${size} bytes, ${unpackedSize} unpacked, ${files.length} files`,
        integrity,
        '',
      ].join('\n'),
    };
  };
};
