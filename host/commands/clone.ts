import type { HostCommand } from './command.ts';

export const clone: HostCommand = {
  name: 'clone',
  description: 'go on in a copy of this session',
  run: (_args, host) => host.clone(),
};
