// Plain JavaScript without dependencies: it runs before there are any, on whatever Node the machine has (20 or newer).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const guestStamp = join(root, 'dist', 'guest', '.sources');

/** The environment in which every script of the repository runs: Node 24 of the dev dependency comes first. */
export function projectEnvironment() {
  const path = [join(root, 'node_modules', 'node', 'bin'), join(root, 'node_modules', '.bin'), process.env.PATH];
  return { ...process.env, PATH: path.join(delimiter) };
}

/** Makes the repository runnable: dependencies without install scripts, Node 24, the guest's scripts. Does nothing when all is there. */
export function setUp() {
  if (!dependenciesAreInstalled()) {
    say('installing dependencies');
    // --ignore-scripts: nothing of a dependency runs on a developer's machine either
    // the machine's own Node may be older than what some packages ask for; Node 24 comes with them
    must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  if (!existsSync(join(root, 'node_modules', 'node', 'bin', 'node'))) {
    say('fetching Node 24');
    must('npm', ['rebuild', 'node']);
  }
  const sources = hashOfGuestSources();
  if (!existsSync(guestStamp) || readFileSync(guestStamp, 'utf8') !== sources) {
    say('building the guest runtime');
    must('node', [join('scripts', 'build-guest.ts')]);
    writeFileSync(guestStamp, sources);
  }
}

/** npm writes what it installed to `node_modules/.package-lock.json`; every package of our lock must stand there. */
function dependenciesAreInstalled() {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  return Object.entries(readLock(join(root, 'package-lock.json'))).every(
    // optional ones may be left out on this platform
    ([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version,
  );
}

function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

function hashOfGuestSources() {
  const hash = createHash('sha256');
  for (const path of ['package-lock.json', join('scripts', 'build-guest.ts'), ...filesIn('sandbox'), ...filesIn('format')]) {
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesIn(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)]))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

function must(command, args) {
  // the output goes to stderr: stdout belongs to the script that was asked for
  const { status, error } = spawnSync(command, args, { cwd: root, env: projectEnvironment(), stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  say(`\`${command} ${args.join(' ')}\` failed${error ? `: ${error.message}` : ''}`);
  process.exit(1);
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
