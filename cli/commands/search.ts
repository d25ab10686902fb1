import { searchNpm } from '../../registry/catalog/index.ts';
import { DashError } from '../../format/index.ts';
import type { DefineCommand } from '../command.ts';
import { npmConfigFor } from '../npm-config.ts';
import { formatTable } from '../output/table.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('[words...]', 'what the package should be about').option('--limit <count>', 'how many to show', '20');
  return async (invocation) => {
    const { stdout, signal } = invocation;
    const { limit } = command.opts<{ readonly limit: string }>();
    const { results, total } = await searchNpm({ words: command.args, limit: parseLimit(limit), npm: await npmConfigFor(invocation), signal });
    const rows = results.map(({ name, version, ecosystems, description }) => [
      stdout.style.strong(oneLine(name)),
      oneLine(version),
      stdout.style.dim(ecosystems.join(',')),
      oneLine(description).slice(0, 80),
    ]);
    return {
      kind: 'document',
      document: { results, total },
      text: total === 0 ? 'nothing found\n' : `${formatTable(rows)}${results.length < total ? `${results.length} of ${total}; \`--limit\` shows more\n` : ''}`,
    };
  };
};

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 250) return limit;
  throw new DashError('USAGE', `\`--limit ${text}\` is not a number from 1 to 250`);
}
