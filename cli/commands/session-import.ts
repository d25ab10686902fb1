import { resolve } from 'node:path';
import { importSession } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';

export const define: DefineCommand = (command) => {
  command.argument('<file>', 'a session of another machine, or of pi');
  return async ({ home, cwd }) => {
    const path = await importSession(resolve(cwd, command.args[0] ?? ''), { dashHome: home, cwd });
    return { kind: 'document', document: { path }, text: `imported; \`dash --continue\` goes on with it here\n` };
  };
};
