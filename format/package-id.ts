import { DashError } from './dash-error.ts';

/** What stays the same from one version of a package to the next. */
export type PackageId =
  | { readonly kind: 'npm'; readonly name: string }
  /** `repository` is `host/owner/repo`, lower-case host, without scheme, user or `.git`. */
  | { readonly kind: 'git'; readonly repository: string; readonly subdir?: string }
  /** A tarball on the web. */
  | { readonly kind: 'url'; readonly url: string }
  /** A tarball that was piped in: it is known by its bytes alone. */
  | { readonly kind: 'stdin'; readonly integrity: string }
  /** A linked directory or a tarball on disk: absolute real path. */
  | { readonly kind: 'path'; readonly path: string };

/** Gives the text that keys locks, grants and settings, e.g. `npm:@scope/name` or `git:host/owner/repo#path:sub/dir`. */
export function formatPackageId(id: PackageId): string {
  switch (id.kind) {
    case 'npm':
      return `npm:${id.name}`;
    case 'git':
      return `git:${id.repository}${id.subdir === undefined ? '' : `#path:${id.subdir}`}`;
    case 'url':
      return `url:${id.url}`;
    case 'stdin':
      return `stdin:${id.integrity}`;
    case 'path':
      return `path:${id.path}`;
  }
}

/** @throws {DashError} INVALID_SPEC when `text` was not made by {@link formatPackageId} */
export function parsePackageId(text: string): PackageId {
  const [, kind, rest = ''] = /^(npm|git|url|stdin|path):(.+)$/s.exec(text) ?? [];
  switch (kind) {
    case 'npm':
      return { kind, name: rest };
    case 'git': {
      const [, repository = rest, subdir] = /^(.*?)#path:(.+)$/s.exec(rest) ?? [];
      return subdir === undefined ? { kind, repository } : { kind, repository, subdir };
    }
    case 'url':
      return { kind, url: rest };
    case 'stdin':
      return { kind, integrity: rest };
    case 'path':
      return { kind, path: rest };
    default:
      throw new DashError('INVALID_SPEC', `\`${text}\` is not the identity of a package`, {
        hint: 'it begins with `npm:`, `git:`, `url:`, `stdin:` or `path:`',
      });
  }
}

/** Tells whether a package is read from a directory that can change at any moment. */
export function isLinked(id: PackageId): boolean {
  return id.kind === 'path';
}
