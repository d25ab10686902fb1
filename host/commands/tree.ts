import type { HostCommand } from './command.ts';

export const tree: HostCommand = {
  name: 'tree',
  description: 'list what you said in this session; `/tree <entry>` goes back before it, and `summarize` after it keeps what was found out',
  run: (args, host) => {
    const [entry = '', summarize, ...words] = args.trim().split(/\s+/);
    return host.tree(entry, summarize === 'summarize' ? { summarize: true, instructions: words.join(' ') } : {});
  },
};
