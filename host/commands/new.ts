import type { HostCommand } from './command.ts';

export const newSession: HostCommand = {
  name: 'new',
  description: 'begin a new session',
  run: (_args, host) => host.newSession(),
};
