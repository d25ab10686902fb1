import type { HostCommand } from './command.ts';

export const resume: HostCommand = {
  name: 'resume',
  description: 'go on with another session of this directory; without a name they are listed',
  run: (args, host) => host.resume(args.trim()),
  choices: (host) => host.sessionChoices(),
};
