import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type PackageManifest, parseJson } from '../../format/index.ts';
import type { StagedPackage } from '../fetch/stage.ts';
import { readManifest } from '../inspect/read-package.ts';
import type { Tree } from '../store/staging.ts';
import { hostile } from './hostile.ts';

const verified: unique symbol = Symbol('verified');

/** A package whose bytes are what was promised. Only {@link verify} makes one. */
export interface VerifiedPackage extends StagedPackage {
  readonly [verified]: true;
  readonly manifest: PackageManifest;
}

/**
 * Compares a staged package with what it was resolved to. Hashes and names inside the archive were checked on the way
 * in; here it must also be the package that it was asked to be.
 *
 * @throws {DashError} HOSTILE_PACKAGE, MANIFEST_NOT_FOUND, INVALID_MANIFEST, INVALID_PERMISSION
 */
export async function verify(staged: StagedPackage): Promise<VerifiedPackage> {
  const { resolution, tree } = staged;
  if (resolution.kind === 'npm') await assertIsRelease(await manifestText(tree), resolution.release);
  return { ...staged, manifest: await readManifest(tree, resolution), [verified]: true };
}

/** What the registry calls a package, and what the package calls itself, must be one. @throws {DashError} HOSTILE_PACKAGE */
export async function assertIsRelease(manifest: string | undefined, { name, version }: { readonly name: string; readonly version: string }): Promise<void> {
  if (manifest === undefined) throw hostile('NO_MANIFEST', `\`${name}@${version}\` has no package.json`);
  const inside = readIdentity(manifest);
  const { default: semver } = await import('semver');
  const isSame = inside.name === name && semver.clean(inside.version, { loose: true }) === semver.clean(version, { loose: true });
  if (!isSame) throw hostile('MANIFEST_MISMATCH', `\`${name}@${version}\` calls itself \`${inside.name}@${inside.version}\``, 'package.json');
}

async function manifestText({ dir, files }: Tree): Promise<string | undefined> {
  return files.includes('package.json') ? readFile(join(dir, 'package.json'), 'utf8') : undefined;
}

function readIdentity(text: string): { readonly name: string; readonly version: string } {
  const value: unknown = parseJson(text, 'package.json', 'INVALID_MANIFEST').value;
  const of = (key: string): string => {
    const field: unknown = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
    return typeof field === 'string' ? field : '';
  };
  return { name: of('name'), version: of('version') };
}
