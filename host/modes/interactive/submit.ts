import { existsSync } from 'node:fs';
import { nearest } from '../../../format/index.ts';
import type { Host } from '../../host.ts';
import type { AttachedImages } from './attached-images.ts';
import { readScreenCommand, SCREEN_COMMANDS } from './commands/index.ts';
import type { Mode } from './mode.ts';
import type { PromptHistory } from './prompt-history.ts';

export interface SubmitOptions {
  readonly mode: () => Mode;
  readonly history: PromptHistory;
  readonly images: AttachedImages;
}

/** Makes what becomes of a typed line: a command of the screen or of the host, a program, or a prompt. */
export function createSubmit({ mode, history, images }: SubmitOptions): Mode['submit'] {
  return async (typed, streamingBehavior) => {
    const text = typed.trim();
    if (text === '') return;
    const { host, editor, say, fail, transcript } = mode();
    editor.addToHistory(text);
    // A disk that is full costs the history, not the prompt.
    history.add(text).catch(fail);
    const attached = images.take(text);
    try {
      if (text.startsWith('!')) return await runCommand(text, mode());
      const own = readScreenCommand(text);
      if (own !== undefined) return await own.command.run(own.words, mode());
      const unknown = unknownCommand(text, host);
      if (unknown !== undefined) {
        if (editor.getText() === '') editor.setText(typed);
        return say(unknown, 'warning');
      }
      const outcome = await host.prompt(text, { streamingBehavior, images: attached });
      if (outcome.kind === 'handled' && outcome.message !== undefined) say(outcome.message);
    } catch (error) {
      // What could not be sent is not lost.
      if (!text.startsWith('/') && editor.getText() === '') editor.setText(typed);
      fail(error);
    } finally {
      transcript.endsCommand();
    }
  };
}

/**
 * What is said of a line that looks like a command, and is neither one nor a file: a slip of the finger, for which no model
 * should be paid. More than one word is a prompt.
 */
function unknownCommand(text: string, host: Pick<Host, 'commands'>): string | undefined {
  const name = /^\/([a-z][\w:-]*)$/i.exec(text)?.[1];
  if (name === undefined) return undefined;
  const known = [...SCREEN_COMMANDS, ...host.commands()].map((command) => command.name);
  if (known.includes(name) || existsSync(text)) return undefined;
  const meant = nearest(name, known);
  return `there is no command \`/${name}\`${meant === undefined ? '' : `; did you mean \`/${meant}\`?`}; to say it to the model, add a word`;
}

/** `!` runs a command, `!!` one that the model does not hear of. */
async function runCommand(text: string, { host, transcript }: Mode): Promise<void> {
  const command = text.replace(/^!!?/, '').trim();
  if (command === '') return;
  transcript.beginsCommand(command, text.startsWith('!!'));
  const result = await host.runBash(command, { excludeFromContext: text.startsWith('!!') });
  transcript.endsCommand(result);
}
