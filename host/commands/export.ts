import type { HostCommand } from './command.ts';

export const exportSession: HostCommand = {
  name: 'export',
  description: 'write this session as a page without script, to a path or into the working directory',
  run: (args, host) => host.exportHtml(args.trim()),
};
