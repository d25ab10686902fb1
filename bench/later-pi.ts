import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '1.5.2';
const INTEGRITY = 'mUWI04rqF1Vd/m1q+Ps1XeWsTXEVvRUnsmRa83I3Dzua0Tx5bYS93imeqtIfrXf7PkkaR6ERz+AuQhIJlom5yA==';
const PEERS = fileURLToPath(new URL('peers/node_modules', import.meta.url));
const OWN = fileURLToPath(new URL('../node_modules', import.meta.url));

/** A later pi, where it can be had; otherwise why not. */
export type LaterPi =
  | { readonly kind: 'there'; readonly name: string; readonly bundle: string }
  | { readonly kind: 'missing'; readonly name: string; readonly why: string };

/**
 * Fetches pi 1.5.2 as it was packed, once. It is no dependency: what it depends on is not to be had everywhere, but its
 * bundle has all of that in it except jiti and typebox, which are ours.
 */
export function laterPi(): LaterPi {
  const name = `pi ${VERSION}`;
  const directory = join(PEERS, `.pi-${VERSION}`);
  try {
    if (!existsSync(directory)) fetchTo(directory);
    return { kind: 'there', name, bundle: join(directory, 'dist/bundle') };
  } catch (error) {
    return { kind: 'missing', name, why: error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error) };
  }
}

function fetchTo(directory: string): void {
  mkdirSync(PEERS, { recursive: true });
  const staging = mkdtempSync(join(PEERS, '.fetching-'));
  try {
    execFileSync('npm', ['pack', '--silent', `@earendil-works/pi-coding-agent@${VERSION}`], {
      cwd: staging,
      timeout: 120_000,
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const [archive] = readdirSync(staging);
    if (archive === undefined) throw new Error('npm packed nothing');
    const found = createHash('sha512')
      .update(readFileSync(join(staging, archive)))
      .digest('base64');
    if (found !== INTEGRITY) throw new Error(`the tarball is not the one that is known: sha512-${found}`);
    execFileSync('tar', ['-xzf', archive], { cwd: staging, stdio: 'ignore' });
    const modules = join(staging, 'package/node_modules');
    mkdirSync(modules);
    for (const own of ['jiti', 'typebox']) symlinkSync(join(OWN, own), join(modules, own));
    renameSync(join(staging, 'package'), directory);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
