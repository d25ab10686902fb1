import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { DashError, isDashError } from '../../format/index.ts';
import type { GitSpec } from '../package-spec.ts';
import type { Git } from './git-command.ts';
import type { GitResolution } from './resolution.ts';

/**
 * Asks a repository which commit a branch, a tag or nothing at all means now.
 *
 * @throws {DashError} GIT_FAILED, GIT_REF_NOT_FOUND
 */
export async function resolveGit(spec: GitSpec, git: Git): Promise<GitResolution> {
  if (spec.ref !== undefined && isCommit(spec.ref)) return { kind: 'git', spec, commit: spec.ref };
  const listed = await git.text('ls-remote', '--quiet', '--', spec.url, ...namesFor(spec.ref)).catch((error: unknown) => {
    throw asInside(error, spec);
  });
  const refs = new Map(
    listed
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, string] => {
        const [commit = '', name = ''] = line.split('\t');
        return [name, commit];
      }),
  );
  // patterns match the ends of names: only the names themselves count
  const commit = namesFor(spec.ref)
    .map((name) => refs.get(name))
    .find((found) => found !== undefined);
  if (commit !== undefined && isCommit(commit)) return { kind: 'git', spec, commit };
  const what = spec.ref === undefined ? 'a commit' : `a branch or tag \`${spec.ref}\``;
  const hint =
    spec.ref !== undefined && /^[0-9a-f]{4,39}$/.test(spec.ref)
      ? 'write a commit with all of its digits'
      : 'look at its branches and tags with `git ls-remote`';
  throw new DashError('GIT_REF_NOT_FOUND', `\`${spec.repository}\` has no ${what.replace(/^a /, '')}`, { hint });
}

/** A local path may lead into a repository, where one on a host would be split by its address. */
function asInside(error: unknown, { url, ref }: GitSpec): unknown {
  if (!isDashError(error, 'GIT_FAILED') || !url.startsWith('file:')) return error;
  const path = fileURLToPath(url);
  if (!existsSync(path)) return new DashError('GIT_FAILED', `there is no \`${path}\``, { hint: 'check the path', cause: error });
  for (let dir = dirname(path); dir !== dirname(dir); dir = dirname(dir)) {
    if (!existsSync(join(dir, '.git'))) continue;
    const fragment = [...(ref === undefined ? [] : [ref]), `path:${relative(dir, path)}`].join('::');
    return new DashError('GIT_FAILED', `\`${path}\` is no repository, but a directory in one`, { hint: `write \`git:${dir}#${fragment}\``, cause: error });
  }
  return error;
}

/** In git's own order: a tag, the commit behind an annotated one first, goes before a branch. */
function namesFor(ref: string | undefined): string[] {
  if (ref === undefined) return ['HEAD'];
  if (ref.startsWith('refs/')) return [`${ref}^{}`, ref];
  return [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`];
}

/** A commit by its full name. */
export function isCommit(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
