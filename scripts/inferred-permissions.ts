import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inspectPorts } from '../cli/compose.ts';
import { type Inspection, inspectSpec, parseSpec, readNpmConfig } from '../registry/index.ts';

/**
 * Reads what real packages need from their code, and compares it with what a search through their text finds: hosts,
 * programs and variables that stand in it. Run by hand, for it needs the registry that npm is configured for:
 * `node scripts/inferred-permissions.ts`, with `--write` to put the table into `docs/inferred-permissions.md`, with specs
 * to read only those.
 */
const PACKAGES = [
  '@aliou/pi-processes@0.12.0',
  '@juicesharp/rpiv-ask-user-question@2.11.0',
  '@juicesharp/rpiv-pi@2.11.0',
  '@juicesharp/rpiv-todo@2.11.0',
  '@juicesharp/rpiv-web-tools@2.11.0',
  '@samfp/pi-memory@1.5.0',
  '@tmustier/pi-ralph-wiggum@0.2.3',
  'context-mode@1.0.169',
  'pi-mcp-adapter@2.36.0',
  'pi-prompt-template-model@0.12.2',
  'pi-simplify@0.2.2',
  'pi-subagents@0.67.0',
  'pi-web-access@0.28.0',
];

interface Row {
  readonly spec: string;
  readonly own: readonly string[];
  readonly dependencies: readonly string[];
  readonly computed: readonly string[];
  /** Stands in the text of its extensions, and was not inferred. */
  readonly onlyInText: readonly string[];
  readonly incomplete: string | undefined;
}

const chosen = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const home = mkdtempSync(join(tmpdir(), 'dash-inferred-'));
try {
  const rows: Row[] = [];
  for (const spec of chosen.length > 0 ? chosen : PACKAGES) {
    const begin = performance.now();
    await using inspection = await inspectSpec(parseSpec(`npm:${spec}`, { cwd: home }), {
      dashHome: home,
      npm: await readNpmConfig({ env: process.env }),
      ports: inspectPorts(home),
      minAgeMs: 0,
    });
    rows.push(rowOf(spec, inspection));
    process.stderr.write(`${spec}: ${Math.round(performance.now() - begin)} ms\n`);
  }
  const page = pageOf(rows);
  process.stdout.write(page);
  if (process.argv.includes('--write')) writeFileSync(new URL('../docs/inferred-permissions.md', import.meta.url), page);
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}

function rowOf(spec: string, { dir, inferred: { permissions, computed, incomplete } }: Inspection): Row {
  const isOwn = ({ evidence }: (typeof permissions)[number]): boolean => evidence[0]?.dependency === undefined;
  const texts = permissions.map(({ permission }) => permission);
  const counts = Map.groupBy(computed, ({ subject, dependency }) => `${subject}${dependency === undefined ? '' : ' (dependencies)'}`);
  return {
    spec,
    own: permissions.filter(isOwn).map(({ permission }) => permission),
    dependencies: permissions.filter((one) => !isOwn(one)).map(({ permission }) => permission),
    computed: [...counts].map(([subject, uses]) => `${uses.length} × ${subject}`),
    onlyInText: namedIn(dir).filter((named) => !texts.some((text) => isMeant(named, text))),
    incomplete,
  };
}

/** What a search finds: it does not know code from a list of examples, nor what is never called. */
function namedIn(dir: string): string[] {
  const named = new Set<string>();
  for (const file of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !/\.[cm]?[jt]sx?$/.test(file.name) || /\.d\.|\.test\.|\.min\./.test(file.name)) continue;
    const text = readFileSync(join(file.parentPath, file.name), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, variable = ''] of text.matchAll(/process\.env\.([A-Z][A-Z0-9_]*)/g)) named.add(`env:${variable}`);
    for (const [, program = ''] of text.matchAll(/\b(?:exec|spawn|execFile)(?:Sync)?\(\s*["'`]([a-z][\w.-]*)/g)) named.add(`exec:${program}`);
    for (const [, host = ''] of text.matchAll(/\bfetch\(\s*["'`]https:\/\/([a-z0-9.-]+)/g)) named.add(`net:${host}`);
  }
  return [...named].sort();
}

function isMeant(named: string, inferred: string): boolean {
  const [area = '', name = ''] = named.split(/:(.*)/s);
  if (area === 'env') return inferred === named || inferred.startsWith(`secret:${name}@`);
  return inferred === named || inferred.startsWith(`${named} `);
}

function pageOf(rows: readonly Row[]): string {
  return `# Inferred permissions of real packages

Made by \`node scripts/inferred-permissions.ts --write\`. None of these packages declares a permission; each row is what was read
from its code without running it. *Only in its text* are hosts, programs and variables that a search finds in its files and the
analysis did not infer: files that no extension reaches, code that was shaken off, texts that are no calls. *Computed* is what
only exists when the code runs: it is asked for when it happens.

| package | its own code | its dependencies | computed | only in its text |
| --- | --- | --- | --- | --- |
${rows.map(({ spec, own, dependencies, computed, onlyInText, incomplete }) => `| \`${spec}\`${incomplete === undefined ? '' : `<br>not read to the end: ${incomplete}`} | ${cell(own)} | ${cell(dependencies)} | ${computed.join('<br>') || '–'} | ${cell(onlyInText)} |`).join('\n')}
`;
}

/** Many variables are a number: the page is to be read. */
function cell(permissions: readonly string[]): string {
  const variables = permissions.filter((permission) => permission.startsWith('env:'));
  const others = permissions.filter((permission) => variables.length <= 8 || !permission.startsWith('env:'));
  const texts = others.map((permission) => `\`${permission}\``);
  if (variables.length > 8) texts.push(`${variables.length} variables, \`${variables[0]}\` among them`);
  return texts.join('<br>') || '–';
}
