import { homedir } from 'node:os';
import { decideTrust, revokeTrust, trustProject } from '../../host/index.ts';
import { assertNotDelegated } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.option('--revoke', 'let them speak no longer');
  return async ({ home, cwd, globals, stdout: { style } }) => {
    const { revoke } = command.opts<{ readonly revoke?: boolean }>();
    if (globals.dryRun !== true) assertNotDelegated();
    const places = { dashHome: home, cwd, home: homedir() };
    const { files, trusted, changed } = await decideTrust(places, false);
    const { root } = files;
    const items = [...files.items.keys()];
    if (revoke === true) {
      const wasTrusted = globals.dryRun === true ? trusted || changed.length > 0 : await revokeTrust(places, root);
      return {
        kind: 'document',
        document: { root, trusted: false, items, changed },
        text: wasTrusted ? `${oneLine(root)} is not trusted any more\n` : `${oneLine(root)} was not trusted\n`,
      };
    }
    if (globals.dryRun !== true) await trustProject(places, files);
    const lines = items.map((item) => `  ${oneLine(item)}${changed.includes(item) ? style.warning(' (changed)') : ''}`);
    const head = globals.dryRun === true ? 'would be trusted' : 'is trusted';
    const what = items.length === 0 ? ', and brings nothing for agents yet' : ' with';
    return {
      kind: 'document',
      document: { root, trusted: globals.dryRun === true ? trusted : true, items, changed },
      text: `${oneLine(root)} ${head}${what}\n${lines.map((line) => `${line}\n`).join('')}`,
    };
  };
};
