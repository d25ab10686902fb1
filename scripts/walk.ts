import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { BIN, environment, run, succeeded } from './demo/stage.ts';
import { walk } from './walk/walk.ts';

/**
 * The way of a new user with packages that nobody here wrote: three from the npm registry that npm is configured for, one
 * from a sub-directory of a monorepo by git, one from a private scope on loopback that demands a token. Run by hand, for it
 * needs the network: `node scripts/walk.ts`, or with the spec of another monorepo package, such as
 * `git:/path/to/clone#path:packages/one`.
 */
const FROM_NPM = ['npm:pi-simplify@0.2.2', 'npm:pi-subagents@0.67.0', 'npm:@juicesharp/rpiv-todo@2.11.0'];
const IN_MONOREPO = '@juicesharp/rpiv-web-tools@2.11.0';
const PRIVATE = 'pi-prompt-template-model@0.12.2';
const TOKEN = 'npm_onlyForTheRegistryOfTheScope';

const root = mkdtempSync(join(tmpdir(), 'dash-walk-'));
const npm = async (...args: readonly string[]): Promise<string> =>
  succeeded(await run('npm', args, { cwd: root, env: process.env }), `npm ${args[0]}`).stdout.trim();
const registry = (await npm('config', 'get', 'registry')).replace(/\/*$/, '/');
const acme = await startPrivateRegistry();

try {
  const user = readIfThere(process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'));
  const npmrc = join(root, 'npmrc');
  writeFileSync(npmrc, `${user}\nregistry=${registry}\n@acme:registry=${acme.url}\n//${new URL(acme.url).host}/:_authToken=${TOKEN}\n`);
  const known = Object.entries(process.env).filter(([name]) => /_proxy$|^NODE_EXTRA_CA_CERTS$|^SSL_CERT_/i.test(name));
  const typed = process.argv[2];
  const start = performance.now();
  await walk({
    root: join(root, 'walk'),
    specs: [...FROM_NPM, '@acme/templates', typed ?? (await makeMonorepo())],
    flags: ['--min-age', '0'],
    variables: { ...Object.fromEntries(known), npm_config_userconfig: npmrc },
    say: (step) => void process.stdout.write(`✓ ${step}\n`),
  });
  process.stdout.write(`all of it in ${((performance.now() - start) / 1000).toFixed(1)} s; the private registry refused ${acme.refused()} requests\n`);
} finally {
  acme.close();
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
}

/** A real package beside another in one repository, as it came from the registry. */
async function makeMonorepo(): Promise<string> {
  const dir = join(root, 'mono');
  await unpack(IN_MONOREPO, join(dir, 'packages', 'web-tools'));
  mkdirSync(join(dir, 'packages', 'other'), { recursive: true });
  writeFileSync(join(dir, 'packages', 'other', 'package.json'), '{"name":"other","version":"1.0.0"}');
  const env = { ...environment({ home: root, dashHome: root }), GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const who = ['-c', 'user.name=ada', '-c', 'user.email=ada@example.com'];
  for (const args of [
    ['init', '--quiet'],
    ['add', '--all'],
    [...who, 'commit', '--quiet', '-m', 'packages'],
  ])
    succeeded(await run('git', args, { cwd: dir, env }), 'git');
  return `git:${dir}#path:packages/web-tools`;
}

/** The archive that npm would install, unpacked. */
async function unpack(spec: string, into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  const file = (await npm('pack', spec, '--silent', '--pack-destination', root)).split('\n').at(-1) ?? '';
  succeeded(await run('tar', ['-xzf', join(root, file), '-C', into, '--strip-components=1'], { cwd: root, env: process.env }), 'tar');
}

/** A registry with one package under a scope, for whoever shows the token. */
async function startPrivateRegistry(): Promise<{ readonly url: string; readonly refused: () => number; close(): void }> {
  const dir = join(root, 'private');
  await unpack(PRIVATE, dir);
  const manifest = { ...(JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as object), name: '@acme/templates', version: '1.0.0' };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  const packed = succeeded(
    await run(process.execPath, [BIN, 'pack', '--json'], { cwd: dir, env: environment({ home: root, dashHome: join(root, '.dash') }) }),
    'dash pack',
  );
  const bytes = readFileSync(join(dir, (JSON.parse(packed.stdout) as { filename: string }).filename));
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  let refused = 0;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      refused++;
      response.writeHead(401).end('{}');
    } else if (request.url?.endsWith('.tgz') === true) {
      response.end(bytes);
    } else {
      const dist = { tarball: `${url}@acme/templates/-/templates-1.0.0.tgz`, integrity };
      response.end(
        JSON.stringify({
          name: '@acme/templates',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': { ...manifest, dist } },
          time: { '1.0.0': '2026-01-01T00:00:00.000Z' },
        }),
      );
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const url = `http://127.0.0.1:${address.port}/`;
  return { url, refused: () => refused, close: () => void server.close() };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
