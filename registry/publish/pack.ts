import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { DashError, type PackageManifest } from '../../format/index.ts';
import { readPackageFiles } from './package-files.ts';
import { writeTarball } from './tarball.ts';

/** A package as it would go to a registry. */
export interface PackedPackage {
  readonly manifest: PackageManifest;
  /** `package.json` as packed, with the keyword; what a registry stores beside the tarball. */
  readonly packageJson: Readonly<Record<string, unknown>>;
  /** `name-1.0.0.tgz`, with `scope-` before it for a scoped name, as npm names it. */
  readonly filename: string;
  readonly tarball: Buffer;
  /** Bytes of the tarball. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly integrity: string;
}

/**
 * Packs the package in `dir`: the files npm would take, equal bytes each time. No script of the
 * package runs, neither `prepack` nor `prepare`: what is built must be built before.
 *
 * @throws {DashError} MANIFEST_NOT_FOUND, INVALID_MANIFEST
 */
export async function pack(dir: string): Promise<PackedPackage> {
  const { manifest, packageJson, files } = await readPackageFiles(dir);
  if (packageJson === undefined) {
    throw new DashError('MANIFEST_NOT_FOUND', `\`${join(dir, 'package.json')}\` is missing`, {
      hint: 'begin with `dash create package`; a folder of skills needs no package, `dash install git:…` takes it as it is',
      where: { path: join(dir, 'package.json') },
    });
  }
  const tarball = writeTarball(files);
  return {
    manifest,
    packageJson,
    filename: `${manifest.name.replace(/^@/, '').replace('/', '-')}-${manifest.version}.tgz`,
    tarball,
    size: tarball.length,
    unpackedSize: files.reduce((sum, file) => sum + file.bytes.length, 0),
    files: files.map(({ path, bytes }) => ({ path, size: bytes.length })),
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  };
}
