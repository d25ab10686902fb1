import type { KeyAction } from '../../keybindings.ts';
import { textOf } from '../../model/messages.ts';
import { THINKING_LEVELS } from '../../model/port.ts';
import { SCREEN_COMMANDS } from './commands/index.ts';
import { editElsewhere } from './external-editor.ts';
import type { Mode } from './mode.ts';

/** What the keys of the mode do. Answering `false`, a key is the editor's. */
export type ActionHandlers = Readonly<Partial<Record<KeyAction, () => boolean | void>>>;

export interface ActionOptions {
  readonly mode: () => Mode;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly attachImage: () => Promise<void>;
}

/** How soon after the first a key counts as pressed twice. */
const TWICE_MS = 800;

/** Makes the handlers, one an action. */
export function createActions({ mode, env, now, attachImage }: ActionOptions): ActionHandlers {
  const clear = createTwice(now);
  const interrupt = createTwice(now);
  const cycleModel = (by: 1 | -1): void => {
    const { host, say } = mode();
    if (host.cycleModel(by) === undefined) say('there is no other model');
  };
  const takeBack = (): void => {
    const { host, editor } = mode();
    const { steering, followUp } = host.conversation.queues.clear();
    const typed = [...steering, ...followUp].flatMap((message) => (message.role === 'user' ? [textOf(message.content)] : []));
    if (typed.length > 0) editor.setText([...typed, editor.getExpandedText()].filter((text) => text !== '').join('\n\n'));
  };
  return {
    ...keysOfCommands(mode),
    'app.interrupt': () => {
      const { host, editor } = mode();
      host.abortBash();
      if (host.conversation.isStreaming || host.conversation.isCompacting) {
        // What waits would be sent with the next prompt, unseen: it goes back to where it was typed.
        takeBack();
        void host.conversation.abort();
        return true;
      }
      if (editor.getText() === '' && interrupt()) tree(mode());
      return true;
    },
    'app.clear': () => {
      const { editor, leave } = mode();
      if (clear() && editor.getText() === '') leave();
      else editor.setText('');
    },
    'app.exit': () => {
      if (mode().editor.getText() !== '') return false;
      mode().leave();
      return true;
    },
    'app.suspend': () => mode().suspend(),
    'app.message.followUp': () => {
      const { editor, submit } = mode();
      const text = editor.getExpandedText();
      editor.setText('');
      void submit(text, 'followUp');
    },
    'app.message.dequeue': () => takeBack(),
    'app.model.cycleForward': () => cycleModel(1),
    'app.model.cycleBackward': () => cycleModel(-1),
    'app.thinking.cycle': () => {
      const { host, say } = mode();
      const { conversation } = host;
      if (conversation.model?.reasoning !== true) return say('this model does not think');
      const levels = [undefined, ...THINKING_LEVELS];
      return conversation.setThinking(levels[(levels.indexOf(conversation.thinking) + 1) % levels.length]);
    },
    'app.thinking.toggle': () => {
      mode().transcript.toggleThinking();
      mode().screen.renew();
    },
    'app.tools.expand': () => {
      mode().transcript.toggleTools();
      mode().screen.renew();
    },
    'app.editor.external': () => {
      const { editor, aside, fail } = mode();
      aside(() => editElsewhere(editor.getExpandedText(), env)).then((text) => editor.setText(text), fail);
    },
    'app.clipboard.pasteImage': () => void attachImage().catch(mode().fail),
  };
}

/** Says whether it was called a moment ago, too. */
function createTwice(now: () => number): () => boolean {
  let last = -Infinity;
  return () => {
    const isTwice = now() - last < TWICE_MS;
    last = isTwice ? -Infinity : now();
    return isTwice;
  };
}

/** A command that can be bound to a key is what the key does. */
function keysOfCommands(mode: () => Mode): ActionHandlers {
  return Object.fromEntries(SCREEN_COMMANDS.flatMap(({ action, run }) => (action === undefined ? [] : [[action, () => runHere(run, mode())]])));
}

function tree(mode: Mode): void {
  const command = SCREEN_COMMANDS.find(({ name }) => name === 'tree');
  if (command !== undefined) runHere(command.run, mode);
}

function runHere(run: (typeof SCREEN_COMMANDS)[number]['run'], mode: Mode): void {
  Promise.resolve(run('', mode)).catch(mode.fail);
}
