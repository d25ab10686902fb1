import type { DirectorySpec, GitSpec, NpmSpec, StdinSpec, TarballFileSpec, TarballUrlSpec } from '../package-spec.ts';

/** The exact thing a spec means now. */
export type Resolution = NpmResolution | GitResolution | TarballResolution | DirectoryResolution;

export interface NpmResolution {
  readonly kind: 'npm';
  readonly spec: NpmSpec;
  readonly release: Release;
}

/** One version of one package on a registry. */
export interface Release {
  readonly name: string;
  readonly version: string;
  readonly tarball: string;
  readonly integrity: string;
  /** Absent when it is npm's default one. */
  readonly registry?: string;
  /** ISO 8601, as the registry says. */
  readonly publishedAt?: string;
  readonly publisher?: string;
  readonly hasInstallScript: boolean;
}

export interface GitResolution {
  readonly kind: 'git';
  readonly spec: GitSpec;
  readonly commit: string;
}

export interface TarballResolution {
  readonly kind: 'tarball';
  readonly spec: TarballUrlSpec | TarballFileSpec | StdinSpec;
}

export interface DirectoryResolution {
  readonly kind: 'directory';
  readonly spec: DirectorySpec;
  /** Real path. */
  readonly path: string;
}
