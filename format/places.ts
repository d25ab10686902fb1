/** Where the roots of path scopes lie for one package: absolute real paths without a trailing slash. */
export interface Places {
  readonly workspace: string;
  readonly home: string;
  /** The package's own directory, always readable and writable for it. */
  readonly data: string;
  /** The package's private temporary directory. */
  readonly tmp: string;
  /** Where Dash keeps grants, credentials and the store; `~/.dash` when absent. No grant opens it. */
  readonly dashHome?: string;
  /**
   * Directories that packages are linked from: what lies there runs, at the next reload, with what those were granted. Only
   * who names a file of them may change it.
   */
  readonly linked?: readonly string[];
}

/** Gives the segments of an absolute path. */
export function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** Gives the segments of `path` below `directory`, or `undefined` when it is not in there. */
export function below(directory: string, path: string): string[] | undefined {
  const parents = segmentsOf(directory);
  const segments = segmentsOf(path);
  return parents.every((parent, index) => segments[index] === parent) ? segments.slice(parents.length) : undefined;
}
