/**
 * Reads mutated SKILL.md files: `npm run fuzz:skills -- [count] [seed] [--keep]`, in a process that may read nothing but
 * Dash itself, write nothing, start nothing and load no native code. With `--keep` the result goes into the docs at the next
 * `npm run bench:tables`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type FuzzResult, keepResult, today } from './skills-tables.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const reader = fileURLToPath(new URL('fuzz-skills/read-mutated.ts', import.meta.url));
const words = process.argv.slice(2);
const { stdout, status } = spawnSync(process.execPath, ['--permission', `--allow-fs-read=${root}*`, reader, ...words.filter((word) => !word.startsWith('-'))], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  cwd: root,
});
process.stdout.write(stdout);
if (words.includes('--keep') && status === 0) keepResult('fuzz', { date: today(), ...(JSON.parse(stdout) as Omit<FuzzResult, 'date'>) });
process.exitCode = status ?? 1;
