const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
/** Old packages of the public registry carry upper case; they may be read, never published. */
const OLD_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*$/;

/**
 * Tells whether `name` may be published: npm's rules for new packages. No segment can begin with a
 * dot or an underscore, so `..` and `__proto__` are no names and a name is safe as a directory.
 */
export function isPublishableName(name: string): boolean {
  return name.length <= 214 && NAME.test(name);
}

/** Tells whether `name` may be asked of another registry. */
export function isReadableName(name: string): boolean {
  return name.length <= 214 && OLD_NAME.test(name);
}

/** The name of a package's tarball file as npm clients know it. */
export function tarballFile(name: string, version: string): string {
  return `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
}
