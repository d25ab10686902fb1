import { ATTACK_CLASSES, type AttackResult, checkLayers, runAttacks } from '../../sandbox/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';

export const define: DefineCommand =
  () =>
  async ({ globals, signal, stdout, stderr }) => {
    const results = await runAttacks({
      signal,
      onResult: ({ program, contained, how }) => {
        if (globals.verbose === true || !contained)
          stderr.write(`${contained ? 'contained' : 'NOT CONTAINED'}  ${program.of.title}: ${program.name} (${how})\n`);
      },
    });
    const layers = await checkLayers();
    const rows = ATTACK_CLASSES.map(({ id, title }) => {
      const own = results.filter(({ program }) => program.of.id === id);
      return { id, title, cases: own.length, contained: contained(own), longestPauseMs: Math.max(0, ...own.map(({ pauseMs }) => pauseMs)) };
    });
    const { style } = stdout;
    const all = contained(results);
    return {
      kind: 'document',
      document: {
        cases: results.length,
        contained: all,
        classes: rows,
        layers: layers.map(({ id, live }) => ({ id, live })),
        failures: results.filter((result) => !result.contained).map(({ program, how }) => ({ class: program.of.id, name: program.name, how })),
      },
      text: `${formatTable(
        rows.map(({ title, cases, contained: held }) => [held === cases ? style.good('held') : style.bad('FAILED'), title, `${held} of ${cases} contained`]),
      )}${all} of ${results.length} programs contained; layers live: ${layers
        .filter(({ live }) => live)
        .map(({ id }) => id)
        .join(', ')}\n`,
      exitCode: all === results.length ? 0 : 1,
    };
  };

function contained(results: readonly AttackResult[]): number {
  return results.filter((result) => result.contained).length;
}
