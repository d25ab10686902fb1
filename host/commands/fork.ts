import type { HostCommand } from './command.ts';

export const fork: HostCommand = {
  name: 'fork',
  description: 'go on in a new file from before something you said',
  run: (args, host) => host.fork(args.trim()),
};
