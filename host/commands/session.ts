import type { HostCommand } from './command.ts';

export const session: HostCommand = {
  name: 'session',
  description: 'show where this session is written, how long it is and what it took',
  run: (_args, host) => host.describeSession(),
};
