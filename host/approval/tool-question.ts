import type { Access } from './approval.ts';
import type { FileChange } from '../loop/tool-call.ts';
import { diffOf } from '../tools/diff.ts';
import type { UserInterface } from '../user-interface.ts';

/** A question of the host's own: may one of its tools do this? */
export interface ToolQuestion {
  readonly tool: string;
  readonly access: Access;
  /** The call that waits for the answer; what a command left behind is asked when it has ended. */
  readonly callId?: string;
  readonly title: string;
  /** What is asked; a command stands in it whole. */
  readonly question: string;
  readonly change?: FileChange;
  /** Who may have talked the model into it; empty where only the user did. */
  readonly origin: string;
  /** Whether a yes may hold for the same thing until the session ends: not for what is protected or runs with all rights. */
  readonly mayLast: boolean;
}

/** What a yes for the session is about: the very same path or command, or the tool of a server, and nothing like it. */
export function lastingKey({ tool, access }: ToolQuestion): string {
  return JSON.stringify([tool, access.kind, access.kind === 'run' ? (access.topic ?? access.command) : access.path]);
}

/** Puts it where no package draws, as far as the mode has such a place. */
export function askAboutTool(ui: UserInterface, question: ToolQuestion, signal?: AbortSignal): Promise<boolean> {
  if (ui.approveTool !== undefined) return ui.approveTool(question, signal);
  const { change, origin } = question;
  const parts = [question.question, change === undefined ? '' : diffOf(change.before ?? '', change.after), origin].filter((part) => part !== '');
  return ui.confirm(question.title, parts.join('\n\n'), signal === undefined ? {} : { signal });
}
