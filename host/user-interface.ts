import type { PermissionAnswer, PermissionQuestion, UiPort } from '../sandbox/index.ts';
import type { ServerAnswer, ServerQuestion } from './mcp/approve-server.ts';
import type { ToolQuestion } from './approval/tool-question.ts';

/** How a mode shows things to a person, and whether it can ask. */
export interface UserInterface extends UiPort {
  readonly mode: 'tui' | 'rpc' | 'json' | 'print';
  readonly hasUI: boolean;
  /** Asks for a permission of a package, where no package can draw. Dismissed is a no. Called only with {@link hasUI}. */
  askPermission(question: PermissionQuestion, signal: AbortSignal): Promise<PermissionAnswer>;
  /** Asks about a tool of the host, where no package can draw. Absent, {@link UiPort.confirm} does it. Called only with {@link hasUI}. */
  approveTool?(question: ToolQuestion, signal?: AbortSignal): Promise<boolean>;
  /** Asks whether a server that a client offers may be started or reached. Absent, nobody says yes. Called only with {@link hasUI}. */
  askServer?(question: ServerQuestion, signal: AbortSignal): Promise<ServerAnswer>;
}

/** Nobody is there to ask: every dialog is dismissed; notices go to `notice`. */
export function withoutUser(mode: UserInterface['mode'], notice: (message: string) => void): UserInterface {
  return {
    mode,
    hasUI: false,
    notify: notice,
    select: async () => undefined,
    confirm: async () => false,
    input: async () => undefined,
    editor: async () => undefined,
    // There is no surface to set: what a package draws is for a person who looks.
    set: () => undefined,
    editorText: () => '',
    askPermission: async () => 'no',
  };
}
