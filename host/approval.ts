import { isProtectedRead, isProtectedWrite, type Places } from '../format/index.ts';
import { isWithin } from './tools/workspace-path.ts';

/** What `--approve` can say. Without a terminal and without the flag it is `none`. */
export type ApprovalMode = 'ask' | 'edits' | 'all' | 'none';
export const APPROVAL_MODES: readonly ApprovalMode[] = ['ask', 'edits', 'all', 'none'];

/** One thing a host tool is about to do. `path` is real. */
export type Access =
  | { readonly kind: 'read'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string }
  | { readonly kind: 'run'; readonly command: string };

export interface ApprovalFacts {
  readonly mode: ApprovalMode;
  readonly places: Places;
  /** Real paths of the directories of the skills that are offered. */
  readonly skillDirectories: readonly string[];
}

export type Approval =
  | { readonly kind: 'allow' }
  | { readonly kind: 'ask'; readonly question: string; readonly refusal: string }
  | { readonly kind: 'deny'; readonly refusal: string };

/**
 * Decides about one access. Reads in the workspace are free; what can change something, and what lies
 * outside or is protected, follows the mode. Deny is the default.
 */
export function decideAccess(access: Access, { mode, places, skillDirectories }: ApprovalFacts): Approval {
  if (mode === 'all' || isFree(access, { mode, places, skillDirectories })) return { kind: 'allow' };
  const refusal = refusalOf(access, mode);
  return mode === 'none' ? { kind: 'deny', refusal } : { kind: 'ask', question: questionOf(access), refusal };
}

function isFree(access: Access, { mode, places, skillDirectories }: ApprovalFacts): boolean {
  switch (access.kind) {
    case 'read':
      // The model is told to read a skill where it lies, which may be inside the home of Dash.
      if (skillDirectories.some((directory) => isWithin(directory, access.path))) return true;
      return isWithin(places.workspace, access.path) && !isProtectedRead(access.path, places);
    case 'write':
      return mode === 'edits' && isWithin(places.workspace, access.path) && !isProtectedWrite(access.path, places);
    case 'run':
      return false;
  }
}

function questionOf(access: Access): string {
  switch (access.kind) {
    case 'read':
      return `read \`${access.path}\`?`;
    case 'write':
      return `write \`${access.path}\`?`;
    case 'run':
      return `run this command with all your rights?\n\n${access.command}`;
  }
}

function refusalOf(access: Access, mode: ApprovalMode): string {
  const why = mode === 'none' ? 'not approved, and there is nobody to ask' : 'declined by the user';
  switch (access.kind) {
    case 'read':
      return `reading \`${access.path}\` was ${why}; only files in the workspace that hold no secrets are read without approval. Do not try another way`;
    case 'write':
      return `writing \`${access.path}\` was ${why}; \`--approve edits\` allows changes in the workspace. Do not try another way`;
    case 'run':
      return `running the command was ${why}; until commands run confined by the operating system, they need \`--approve all\` or a yes on the terminal. Do not try another way`;
  }
}
