import type { HostCommand } from './command.ts';

export const session: HostCommand = {
  name: 'session',
  description: 'show where this session is written and how long it is',
  run: (_args, host) => host.describeSession(),
};
