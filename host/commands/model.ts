import type { HostCommand } from './command.ts';

export const model: HostCommand = {
  name: 'model',
  description: 'choose another model, as `provider/id`',
  run: (args, host) => host.chooseModel(args.trim()),
  choices: (host) => host.modelChoices(),
};
