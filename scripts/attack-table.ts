import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ATTACK_CLASSES, type AttackResult, runAttacks } from '../sandbox/index.ts';

/** Runs the attack suite and writes what came of it into SECURITY.md: `node scripts/attack-table.ts`. */
const FILE = new URL('../SECURITY.md', import.meta.url);
const PLACE = /(<!-- attacks:begin -->\n)[^]*(<!-- attacks:end -->)/;

/** One row for each class of attacks. */
export function attackTable(results: readonly AttackResult[]): string {
  const rows = ATTACK_CLASSES.map(({ id, title, notCovered }) => {
    const own = results.filter(({ program }) => program.of.id === id);
    return `| ${title} | ${own.length} | ${own.filter(({ contained }) => contained).length} | ${notCovered} |`;
  });
  const all = results.filter(({ contained }) => contained).length;
  return ['| attack | cases | contained | not shown by it |', '|---|---|---|---|', ...rows, `| all | ${results.length} | ${all} | |`, ''].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const results = await runAttacks({
    onResult: ({ program, contained, how }) => {
      if (!contained) process.stderr.write(`NOT CONTAINED ${program.of.title}: ${program.name} (${how})\n`);
    },
  });
  writeFileSync(
    FILE,
    readFileSync(FILE, 'utf8').replace(PLACE, (_, begin: string, end: string) => `${begin}\n${attackTable(results)}\n${end}`),
  );
  if (results.some(({ contained }) => !contained)) process.exitCode = 1;
}
