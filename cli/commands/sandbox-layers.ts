import { checkLayers, type LayerCheck } from '../../sandbox/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import type { Style } from '../output/terminal.ts';

export const define: DefineCommand =
  () =>
  async ({ stdout }) => {
    const layers = await checkLayers();
    return { kind: 'document', document: { layers }, text: textOf(layers, stdout.style), exitCode: layers.every(({ live }) => live) ? 0 : 1 };
  };

function textOf(layers: readonly LayerCheck[], style: Style): string {
  const rows = layers.map(({ id, live, message }) => [live ? style.good('live') : style.bad('not live'), id, message]);
  const hints = layers.flatMap(({ hint }) => (hint === undefined ? [] : [`${style.strong('hint')}: ${hint}\n`]));
  return `${formatTable(rows)}${hints.join('')}`;
}
