import type { HostCommand } from './command.ts';

export const reload: HostCommand = {
  name: 'reload',
  description: 'load packages, skills and prompts again',
  run: (_args, host) => host.reload(),
};
