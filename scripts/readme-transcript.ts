import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveRegistry } from '../registry/serve/index.ts';
import { Stage, type Person } from './demo/stage.ts';

/**
 * The README's transcript is what really happens: `--check` runs every command and fails at the first line that
 * differs, `--write` puts today's output into the page. Versions of the machine, times and hashes are normalised.
 */
const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BLOCK = /(<!-- transcript -->\n```console\n)([\s\S]*?)(```\n<!-- \/transcript -->)/;

using stage = new Stage(() => undefined);
const registry = await serveRegistry({ dir: join(stage.directory, 'registry'), port: 0, token: 'transcript' });
const registryUrl = registry.url.replace(/\/$/, '');
try {
  const actual = await transcript(stage.person('you', registryUrl, 'transcript'));
  const page = readFileSync(README, 'utf8');
  const written = BLOCK.exec(page)?.[2];
  if (written === undefined) throw new Error('README.md has no transcript between its markers');
  if (process.argv.includes('--write'))
    writeFileSync(
      README,
      page.replace(BLOCK, (_, before: string, _old, after: string) => before + actual + after),
    );
  else assertSame(written, actual);
} finally {
  await registry.close();
}

async function transcript(you: Person): Promise<string> {
  const workspace = join(you.home, 'project');
  mkdirSync(workspace);
  writeFileSync(join(workspace, 'places.json'), '{"Lisbon": {"latitude": 38.72, "longitude": -9.14}}\n');
  let text = '';
  const show = async (cwd: string, ...args: readonly string[]): Promise<void> => {
    const { stdout, stderr, exitCode } = await stage.dash(you, cwd, ...args);
    const shown = args.map((arg) => (/[\s'"{}()*]/.test(arg) ? `'${arg}'` : arg)).join(' ');
    text += `$ dash ${shown}\n${normalise(stderr + stdout, you)}`;
    if (exitCode !== 0) text += `(exit ${exitCode})\n`;
  };
  await show(you.home, 'create', 'extension', 'weather');
  await show(join(you.home, 'weather'), 'publish', '--confirm');
  await show(workspace, 'install', 'npm:weather', '--min-age', '0');
  await show(workspace, 'install', 'npm:weather', '--min-age', '0', '--grant', 'fs:read:./places.json', '--deny', 'net:api.open-meteo.com');
  await show(workspace, 'call', 'list_places', '--package', 'weather');
  await show(workspace, 'call', 'forecast', '{"place":"Lisbon"}', '--package', 'weather');
  await show(workspace, 'audit', 'log');
  return text;
}

function normalise(text: string, { home }: Person): string {
  return text
    .replaceAll(home, '~')
    .replaceAll(registryUrl, 'REGISTRY')
    .replaceAll(/sha512-[A-Za-z0-9+/=]+/g, 'sha512-…')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<sha256>')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>')
    .replaceAll(/\b\d+(\.\d+)? (ms|s|B|kB|KiB|MiB)\b/g, '<n> $2')
    .replaceAll(/[ \t]+$/gm, '');
}

function assertSame(written: string, actual: string): void {
  const [left, right] = [written.split('\n'), actual.split('\n')];
  const at = right.findIndex((line, index) => line !== left[index]);
  if (at === -1 && left.length === right.length) return;
  process.stderr.write(
    `README.md differs from what happens, line ${at + 1} of the transcript:\n  page:   ${left[at] ?? '(nothing)'}\n  really: ${right[at] ?? '(nothing)'}\nhint: \`npm run readme -- --write\`, then read the difference\n`,
  );
  process.exitCode = 1;
}
