import { DashError, nearest } from '../../format/index.ts';
import type { DefineCommand } from '../command.ts';
import { COMPLETION_SCRIPTS, isShell, SHELLS } from '../completion-scripts.ts';

export const define: DefineCommand = (command) => {
  command
    .addArgument(command.createArgument('<shell>', SHELLS.join(', ')))
    .addHelpText(
      'after',
      '\nput one of these where your shell starts:\n  bash: source <(dash completion bash)\n  zsh:  source <(dash completion zsh)\n  fish: dash completion fish | source',
    );
  for (const argument of command.registeredArguments) argument.argChoices = [...SHELLS];
  return async () => {
    const [shell = ''] = command.args;
    if (!isShell(shell)) {
      const near = nearest(shell, SHELLS);
      throw new DashError('USAGE', `there is no completion for \`${shell}\``, {
        hint: near === undefined ? `there is one for ${SHELLS.join(', ')}` : `did you mean \`dash completion ${near}\`?`,
      });
    }
    const script = COMPLETION_SCRIPTS[shell];
    return { kind: 'document', document: { shell, script }, text: script };
  };
};
