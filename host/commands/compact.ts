import type { HostCommand } from './command.ts';

export const compact: HostCommand = {
  name: 'compact',
  description: 'put a summary in the place of what is old; words after it say what to mind',
  run: (args, host) => host.compact(args.trim()),
};
