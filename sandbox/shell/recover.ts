import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkChanges, describeLeft, isAllNewerThan, journalOf, quarantineOf, readJournals } from '../left-behind/index.ts';
import { endOrphans } from '../os-layer/index.ts';
import { isKnownContent, readTips } from './known-content.ts';
import { findRepository, type Repository } from './repository.ts';
import { createRunGit } from './run-git.ts';

interface RecoverOptions {
  readonly workspace: string;
  readonly home: string;
  readonly dashHome: string;
  /** The agent's environment: where git is. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Looks after the programs of agents that died before they could, the host's and those of packages. What was left behind
 * is undone; nobody is asked, because nobody knows any more what it was for.
 *
 * @returns what was undone, in words
 */
export async function recoverLeftBehind({ workspace, home, dashHome, env }: RecoverOptions): Promise<string> {
  const journals = await readJournals(journalOf(dashHome), workspace);
  if (journals.length === 0) return '';
  endOrphans();
  const git = createRunGit(env);
  const repository = await findRepository(workspace, home, git);
  let words = '';
  for (const { packageName, rules, before, known, lastSeenMs, done } of journals) {
    // Programs of packages do not write to a repository: what is committed is the user's, who has worked since.
    const own = packageName === undefined || rules.gitDirectories.length > 0 || repository === undefined;
    const tips = own ? known : new Set((await readTips(repository, git)).values());
    const undone = await checkChanges(before, rules, {
      isKnown: async (path, content) => repository !== undefined && isKnownContent(path, content, tips, repository, { git, env }),
      // No program outlives its agent: what came later is the user's.
      mayStay: async ({ kind, path }) => kind === 'new' && isAllNewerThan(path, lastSeenMs + SURELY_DEAD_MS),
      allow: () => Promise.resolve(false),
      quarantine: quarantineOf(dashHome, packageName),
    });
    words += describeLeft(undone, workspace, packageName === undefined ? 'a command' : `a program of ${packageName}`);
    await removeOwnCommondir(repository);
    await done();
  }
  return words;
}

/** After its last sign of life. */
const SURELY_DEAD_MS = 30_000;

/** Of a command that did not come to its end: one that says what is so anyway is nobody's. */
async function removeOwnCommondir(repository: Repository | undefined): Promise<void> {
  if (repository === undefined || repository.gitDir !== repository.commonDir) return;
  const path = join(repository.gitDir, 'commondir');
  if ((await readFile(path, 'utf8').catch(() => '')) === '.\n') await rm(path, { force: true });
}
