import { formatPackageId, type PackageId } from '../format/index.ts';
import type { Source } from './lock/lock-entry.ts';

/** Gives what stays the same from one version of a package to the next. */
export function packageIdOf(name: string, source: Source): PackageId {
  switch (source.kind) {
    case 'npm':
      return { kind: 'npm', name };
    case 'git':
      return { kind: 'git', repository: repositoryOf(source.url), ...(source.subdir !== undefined && { subdir: source.subdir }) };
    case 'tarball':
      if (source.url !== undefined) return { kind: 'url', url: source.url };
      return source.path === undefined ? { kind: 'stdin', integrity: source.integrity } : { kind: 'path', path: source.path };
    case 'directory':
      return { kind: 'path', path: source.path };
  }
}

/**
 * Gives the key under which grants are kept. Two registries may both have a package of one name, so a registry that is
 * not npm's default one is part of it.
 */
export function grantKeyOf(name: string, source: Source): string {
  const id = formatPackageId(packageIdOf(name, source));
  return source.kind === 'npm' && source.registry !== undefined ? `${id} of ${source.registry}` : id;
}

/** `host/owner/repo` whatever the way to it; the path of a local repository. */
export function repositoryOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  const path = decodeURIComponent(pathname);
  return protocol === 'file:' ? path : `${host.toLowerCase()}${path}`.replace(/\.git$/, '');
}
