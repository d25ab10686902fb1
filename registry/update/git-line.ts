import { join } from 'node:path';

import { DashError, isDashError } from '../../format/index.ts';
import type { GitSpec } from '../package-spec.ts';
import { type Git, openGit } from '../resolve/git-command.ts';
import type { Workshop } from '../workshop.ts';

export interface GitStep {
  readonly spec: GitSpec;
  readonly from: string;
  readonly to: string;
  /** True when the user named the ref just now: then it may lead back, but not to a stranger. */
  readonly isNamed: boolean;
}

/**
 * Refuses a step that no honest history takes: a tag that points elsewhere, or a commit that does not build on the
 * installed one. A repository that was made anew under an old name shows here.
 *
 * @throws {DashError} TAG_MOVED, UNRELATED_HISTORY, GIT_FAILED
 */
export async function assertSameLine({ spec, from, to, isNamed }: GitStep, workshop: Workshop): Promise<void> {
  if (from === to) return;
  // a repository of its own: the one for fetching is shallow and knows no history
  const git = await openGit(join(workshop.staging.dir, 'git-line', Buffer.from(spec.repository).toString('base64url').slice(-64)), workshop.signal);
  if (!isNamed && spec.ref !== undefined && (await isTag(spec, git))) {
    throw new DashError('TAG_MOVED', `the tag \`${spec.ref}\` of \`${spec.repository}\` was ${short(from)} and is now ${short(to)}; nothing was changed`, {
      hint: `compare both commits; if the new one is right, \`dash remove\` the package and install it with \`#${to}\``,
    });
  }
  await fetchHistory(spec.url, isNamed ? [to, from] : [to], git);
  const base = await git.text('merge-base', from, to).catch((error: unknown) => {
    // all of the new commit's history is here: what git does not know does not belong to it
    if (isDashError(error, 'GIT_FAILED')) return '';
    throw error;
  });
  if (isNamed ? base.trim() !== '' : base.trim() === from) return;
  throw new DashError(
    'UNRELATED_HISTORY',
    `the installed commit ${short(from)} of \`${spec.repository}\` is not in the history of ${short(to)}; nothing was changed`,
    {
      hint: 'its history was rewritten, or the repository was made anew: if you trust it, `dash remove` the package and install it again',
    },
  );
}

async function isTag({ url, ref = '' }: GitSpec, git: Git): Promise<boolean> {
  const name = ref.startsWith('refs/') ? ref : `refs/tags/${ref}`;
  return name.startsWith('refs/tags/') && (await git.text('ls-remote', '--quiet', '--', url, name)).trim() !== '';
}

/** Commits without their files, where the server can leave them out. */
async function fetchHistory(url: string, commits: readonly string[], git: Git): Promise<void> {
  const options = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance', '--filter=tree:0'];
  try {
    await git.text('fetch', ...options, '--', url, ...commits);
  } catch (error) {
    if (!isDashError(error, 'GIT_FAILED')) throw error;
    // some servers do not hand out a commit by its name
    await git.text('fetch', ...options, '--', url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*');
  }
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
