import { toggleCommand } from '../toggle-command.ts';

export const define = toggleCommand(false);
