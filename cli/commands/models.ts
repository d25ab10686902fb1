import { openModels, readSettings } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('[words...]', 'only those whose names have all of these');
  return async ({ home, env, stdout: { style } }) => {
    const { settings } = await readSettings(home);
    const port = await openModels({ reference: settings.model, dashHome: home, env });
    const all = await port.models();
    const words = command.args.map((word) => word.toLowerCase());
    const models = all.filter(({ provider, id, name }) => words.every((word) => `${provider}/${id} ${name}`.toLowerCase().includes(word)));
    const rows = models.map(({ provider, id, contextWindow, reasoning, input, cost }) => [
      style.strong(oneLine(`${provider}/${id}`)),
      `${Math.round(contextWindow / 1000)}k tokens`,
      [...(reasoning ? ['thinks'] : []), ...(input.includes('image') ? ['images'] : [])].join(', '),
      style.dim(`$${cost.input} in, $${cost.output} out a million`),
    ]);
    const nothing = all.length === 0 ? 'no model has credentials; `dash login <provider>` keeps a key\n' : 'no model has such a name\n';
    return { kind: 'document', document: { models }, text: rows.length === 0 ? nothing : formatTable(rows) };
  };
};
