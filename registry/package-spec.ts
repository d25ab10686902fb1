import { homedir } from 'node:os';
import { basename, resolve as resolvePath } from 'node:path';

import { DashError } from '../format/index.ts';

/** What was typed, read by its form alone: nothing is looked up. */
export type PackageSpec = NpmSpec | GitSpec | TarballUrlSpec | TarballFileSpec | StdinSpec | DirectorySpec;

export interface NpmSpec {
  readonly kind: 'npm';
  readonly name: string;
  /** A version, a range or a tag; empty means the tag `latest`. */
  readonly wanted: string;
}

export interface GitSpec {
  readonly kind: 'git';
  /** What git is given: `https://…`, `ssh://…` or `file:///…`. Never holds a password. */
  readonly url: string;
  /** The repository whatever the way to it: `host/owner/repo`, or an absolute path for a local one. */
  readonly repository: string;
  readonly subdir?: string;
  /** A branch, a tag or a commit; without it the default branch. */
  readonly ref?: string;
}

export interface TarballUrlSpec {
  readonly kind: 'tarball-url';
  readonly url: string;
}

export interface TarballFileSpec {
  readonly kind: 'tarball-file';
  readonly path: string;
}

/** A tarball that was piped into `dash install -`, known by its bytes alone. */
export interface StdinSpec {
  readonly kind: 'stdin';
  /** sha512 of the bytes. */
  readonly integrity: string;
}

/** A local directory: linked, not copied. */
export interface DirectorySpec {
  readonly kind: 'directory';
  readonly path: string;
}

/**
 * Reads what a user typed after `dash install`. Paths are taken relative to `cwd`.
 *
 * @example
 * parseSpec('npm:left-pad@^1.3.0', { cwd }); // { kind: 'npm', name: 'left-pad', wanted: '^1.3.0' }
 * parseSpec('git:github.com/owner/repo/skills/pdf#v2', { cwd });
 *
 * @throws {DashError} INVALID_SPEC when the text has no form that Dash knows
 */
export function parseSpec(text: string, { cwd }: { readonly cwd: string }): PackageSpec {
  if (text === '') refuse(text, 'it is empty');
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) refuse(text, 'it has an invisible or control character');
  if (text === '-') refuse(text, 'standard input is read by `install`, `inspect` and `info` only');
  if (text.startsWith('-')) refuse(text, 'it begins with `-`');

  if (text.startsWith('npm:')) return parseNpm(text, text.slice(4));
  if (text.startsWith('git:')) return parseGit(text, text.slice(4), cwd);
  if (text.startsWith('git+')) return parseGitUrl(text, text.slice(4));
  if (text.startsWith('stdin:')) return parseStdin(text, text.slice(6));
  if (text.startsWith('ssh://')) return parseGitUrl(text, text);
  if (/^https?:\/\//i.test(text)) return isTarballName(text.replace(/[?#].*$/s, '')) ? parseTarballUrl(text) : parseHosted(text, text);
  if (text.startsWith('file:')) return parsePath(text.slice(5).replace(/^\/\/(?=\/)/, ''), cwd);
  if (isPath(text) || isTarballName(text)) return parsePath(text, cwd);
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) refuse(text, `\`${text.slice(0, text.indexOf(':') + 1)}\` is not a kind of source`);
  return parseNpm(text, text);
}

/** Gives the spec as a user would type it; parsing it again gives the same spec. */
export function formatSpec(spec: PackageSpec): string {
  switch (spec.kind) {
    case 'npm':
      return `npm:${spec.name}${spec.wanted === '' ? '' : `@${spec.wanted}`}`;
    case 'git': {
      const fragment = [...(spec.ref === undefined ? [] : [spec.ref]), ...(spec.subdir === undefined ? [] : [`path:${spec.subdir}`])].join('::');
      return `git+${spec.url}${fragment === '' ? '' : `#${fragment}`}`;
    }
    case 'tarball-url':
      return spec.url;
    case 'stdin':
      return `stdin:${spec.integrity}`;
    case 'tarball-file':
    case 'directory':
      return spec.path;
  }
}

/** Tells whether npm's rules allow `name`; names from before those rules may carry upper case. */
export function isNpmName(name: string): boolean {
  return name.length <= 214 && /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i.test(name);
}

function parseNpm(text: string, rest: string): NpmSpec {
  const at = rest.indexOf('@', 1);
  const name = at < 0 ? rest : rest.slice(0, at);
  const wanted = at < 0 ? '' : rest.slice(at + 1);
  if (!isNpmName(name)) {
    const hint = /^[a-z\d-]+(\.[a-z\d-]+)+\/[\w.-]+\/[\w.-]/i.test(rest)
      ? `write \`git:${rest}\` for a repository`
      : /^[\w.-]+\/[\w.-]+$/.test(rest)
        ? `write \`./${rest}\` for a directory, or \`git:github.com/${rest}\` for a repository`
        : 'names look like `npm:left-pad` or `npm:@scope/name`';
    refuse(text, `\`${name}\` is not an npm name`, hint);
  }
  if (at >= 0 && wanted === '') refuse(text, 'nothing follows the `@`');
  if (/[:/\\#]/.test(wanted)) refuse(text, `\`${wanted}\` is not a version, a range or a tag`);
  return { kind: 'npm', name, wanted };
}

/** After `git:` stands a host, a URL, `git@host:path`, or the path of a repository on this machine. */
function parseGit(text: string, rest: string, cwd: string): GitSpec {
  if (isPath(rest)) {
    const { location, ref, subdir } = splitFragment(text, rest);
    return localRepository(text, expandPath(location, cwd), ref, subdir);
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(rest)) return /^https:/i.test(rest) ? parseHosted(text, rest) : parseGitUrl(text, rest);
  const scp = /^([\w.-]+)@([\w.-]+):(?!\/)(.+)$/.exec(rest);
  if (scp !== null) return parseGitUrl(text, `ssh://${scp[1]}@${scp[2]}/${scp[3]}`);
  return parseHosted(text, `https://${rest}`);
}

/** `https://host/owner/repo[/subdir]`; a page of a tree as browsers show it is read too. */
function parseHosted(text: string, address: string): GitSpec {
  const { location, ref, subdir } = splitFragment(text, address);
  const url = parseUrl(text, location);
  if (url.protocol !== 'https:') refuse(text, `git over \`${url.protocol}//\` is not allowed`, 'use `https://`, or `git+ssh://`');
  const segments = segmentsOf(text, url);
  const end = segments.findIndex((segment) => segment.endsWith('.git'));
  const length = end < 0 ? 2 : end + 1;
  if (segments.length < length) refuse(text, 'a repository is written `git:host/owner/repo`');
  const repository = segments.slice(0, length);
  const inside = segments.slice(length);
  const tree = inside.indexOf('tree') === 0 ? 1 : inside[0] === '-' && inside[1] === 'tree' ? 2 : 0;
  if (tree === 0) return remoteRepository(text, url, repository, ref, subdir ?? joined(inside));
  return remoteRepository(text, url, repository, ref ?? inside[tree], subdir ?? joined(inside.slice(tree + 1)));
}

/** `git+https://`, `git+ssh://`, `git+file://`: the whole path is the repository, up to a segment that ends in `.git`. */
function parseGitUrl(text: string, address: string): GitSpec {
  const { location, ref, subdir } = splitFragment(text, address);
  const url = parseUrl(text, location);
  if (url.protocol === 'file:') return localRepository(text, `/${segmentsOf(text, url).join('/')}`, ref, subdir);
  if (url.protocol !== 'https:' && url.protocol !== 'ssh:') {
    refuse(text, `git over \`${url.protocol}//\` is not allowed`, 'use `https://`, `ssh://`, or the path of a local repository');
  }
  const segments = segmentsOf(text, url);
  const end = segments.findIndex((segment) => segment.endsWith('.git'));
  const length = end < 0 ? segments.length : end + 1;
  if (length === 0) refuse(text, 'the URL names no repository');
  return remoteRepository(text, url, segments.slice(0, length), ref, subdir ?? joined(segments.slice(length)));
}

function remoteRepository(text: string, url: URL, segments: readonly string[], ref: string | undefined, subdir: string | undefined): GitSpec {
  if (url.password !== '' || (url.protocol === 'https:' && url.username !== '')) {
    refuse(text, 'a URL with a password in it would end up in the lockfile', 'use a key over `git+ssh://`');
  }
  // what begins with a dash would be an option to git or ssh
  if ([url.hostname, url.username, ...segments].some((part) => part.startsWith('-'))) refuse(text, 'no part of the URL may begin with `-`');
  if (segments.some((segment) => segment === '.' || segment === '..')) refuse(text, 'the path of the URL has dots for a segment');
  const user = url.protocol === 'ssh:' && url.username !== '' ? `${url.username}@` : '';
  const path = segments.map(encodeURIComponent).join('/');
  const repository = [url.host.toLowerCase(), ...segments].join('/').replace(/\.git$/, '');
  return { kind: 'git', url: `${url.protocol}//${user}${url.host}/${path}`, repository, ...checked(text, ref, subdir) };
}

function localRepository(text: string, path: string, ref: string | undefined, subdir: string | undefined): GitSpec {
  return { kind: 'git', url: `file://${path.split('/').map(encodeURIComponent).join('/')}`, repository: path, ...checked(text, ref, subdir) };
}

function checked(text: string, ref: string | undefined, subdir: string | undefined): { ref?: string; subdir?: string } {
  if (ref !== undefined && !isGitRef(ref)) refuse(text, `\`${ref}\` is not the name of a branch, a tag or a commit`);
  if (subdir !== undefined && subdir.split('/').some((segment) => segment === '' || segment === '.' || segment === '..' || segment.includes('\\'))) {
    refuse(text, `\`${subdir}\` is not a path inside a repository`);
  }
  return { ...(subdir !== undefined && { subdir }), ...(ref !== undefined && { ref }) };
}

/** The rules of `git check-ref-format`, and nothing that could be read as an option or a pattern. */
function isGitRef(ref: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{N}_./+@=-]*$/u.test(ref) && !/\.\.|\/\/|@\{|\/\.|\.lock(\/|$)|[./]$/.test(ref) && ref.length <= 250;
}

/** `#ref`, `#path:sub/dir` or `#ref::path:sub/dir`, as npm writes them. */
function splitFragment(text: string, address: string): { location: string; ref?: string; subdir?: string } {
  const hash = address.indexOf('#');
  if (hash < 0) return { location: address };
  const parts = address.slice(hash + 1).split('::');
  const subdir = parts.find((part) => part.startsWith('path:'))?.slice(5);
  const refs = parts.filter((part) => !part.startsWith('path:'));
  if (refs.length > 1 || refs.includes('') || subdir === '') refuse(text, 'after `#` stands one branch, tag or commit');
  return { location: address.slice(0, hash), ...(refs[0] !== undefined && { ref: refs[0] }), ...(subdir !== undefined && { subdir }) };
}

function parseTarballUrl(text: string): TarballUrlSpec {
  const url = parseUrl(text, text);
  if (url.username !== '' || url.password !== '') refuse(text, 'a URL with credentials in it would end up in the lockfile');
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !isLoopback) refuse(text, 'a tarball is fetched over `https://` only');
  url.hash = '';
  return { kind: 'tarball-url', url: url.href };
}

/** What the lock says of a piped tarball. Only the store can have it. */
function parseStdin(text: string, integrity: string): StdinSpec {
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
    refuse(text, `\`${integrity}\` is not the sha512 of a tarball`, 'to read one from standard input write `-`');
  return { kind: 'stdin', integrity };
}

function parsePath(text: string, cwd: string): TarballFileSpec | DirectorySpec {
  const path = expandPath(text, cwd);
  return isTarballName(basename(path)) ? { kind: 'tarball-file', path } : { kind: 'directory', path };
}

function expandPath(text: string, cwd: string): string {
  return text === '~' || text.startsWith('~/') ? resolvePath(homedir(), text.slice(2)) : resolvePath(cwd, text);
}

function isPath(text: string): boolean {
  return /^(\.{1,2}|~)$|^(\.{1,2}|~)?\//.test(text);
}

function isTarballName(text: string): boolean {
  return /\.(tgz|tar\.gz)$/i.test(text);
}

function segmentsOf(text: string, url: URL): string[] {
  try {
    return url.pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
  } catch {
    return refuse(text, 'its path is not percent-encoded correctly');
  }
}

function joined(segments: readonly string[]): string | undefined {
  return segments.length === 0 ? undefined : segments.join('/');
}

function parseUrl(text: string, address: string): URL {
  const url = URL.parse(address);
  if (url === null || (url.host === '' && url.protocol !== 'file:')) return refuse(text, `\`${address}\` is not a URL`);
  return url;
}

function refuse(text: string, why: string, hint = 'a source is `npm:name`, `git:host/owner/repo`, `https://….tgz`, a path such as `./dir`, or `-`'): never {
  // whatever is wrong with it: a password that was typed stays out of messages
  const withoutPasswords = (words: string) => words.replaceAll(/\/\/[^/\s@]*@/g, '//…@');
  throw new DashError('INVALID_SPEC', withoutPasswords(`\`${text}\` cannot be installed: ${why}`), { hint });
}
