import type { SessionMode, SessionModeState } from '@agentclientprotocol/sdk';
import type { ApprovalMode } from '../../approval/approval.ts';

/** What a session of an editor can be set to; `task` is for a terminal, where the user's own keys begin a run. */
export type OfferedMode = Exclude<ApprovalMode, 'task'>;

/** From the least to the most. */
const MODES: readonly (SessionMode & { readonly id: OfferedMode })[] = [
  { id: 'none', name: 'Read only', description: 'reads files of the workspace; everything else is refused without a question' },
  { id: 'ask', name: 'Ask', description: 'reads files of the workspace; asks before it changes a file or runs a command' },
  { id: 'edits', name: 'Edit', description: 'changes files of the workspace and runs commands that the operating system confines; asks about the rest' },
  { id: 'all', name: 'Everything', description: 'does everything with all your rights, and asks nothing' },
];

/** The modes that a client may choose: nothing above what the user's own `--approve` allows. */
export function modesUpTo(ceiling: OfferedMode): readonly (SessionMode & { readonly id: OfferedMode })[] {
  return MODES.slice(0, MODES.findIndex(({ id }) => id === ceiling) + 1);
}

/** The mode of this name, where the user allows it. */
export function modeWithin(ceiling: OfferedMode, id: string): OfferedMode | undefined {
  return modesUpTo(ceiling).find((mode) => mode.id === id)?.id;
}

/** What a session says of its modes. */
export function modeState(ceiling: OfferedMode, current: OfferedMode): SessionModeState {
  return { currentModeId: current, availableModes: [...modesUpTo(ceiling)] };
}
