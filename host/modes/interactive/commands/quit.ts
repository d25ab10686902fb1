import type { ScreenCommand } from './command.ts';

export const quit: ScreenCommand = {
  name: 'quit',
  description: 'leave',
  run: (_words, { leave }) => leave(),
};
