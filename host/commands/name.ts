import type { HostCommand } from './command.ts';

export const name: HostCommand = {
  name: 'name',
  description: 'name this session',
  run: (args, host) => host.rename(args),
};
