import type { KeyAction } from '../../../keybindings.ts';
import type { ScreenCommand } from './command.ts';

export const hotkeys: ScreenCommand = {
  name: 'hotkeys',
  description: 'show which key does what',
  run(_words, { host, say }) {
    const { bindings, shortcuts } = host.keys();
    const own = Object.entries(WORDS).map(([action, words]) => [bindings[action as KeyAction].join(', '), words] as const);
    const packages = shortcuts.map(({ key, description, package: owner }) => [key, `${owner}: ${description ?? ''}`] as const);
    const rows = [
      ...own,
      ...packages,
      ['escape twice', 'go to another place of the session'],
      ['!command', 'run a command; `!!` keeps it from the model'],
      ['@file', 'name a file'],
    ].filter(([keys]) => keys !== '');
    const width = Math.max(...rows.map(([keys = '']) => keys.length));
    say(rows.map(([keys = '', words = '']) => `${keys.padEnd(width)}  ${words}`).join('\n'));
  },
};

const WORDS: Readonly<Record<KeyAction, string>> = {
  'tui.input.submit': 'send; while the agent works, steer it',
  'tui.input.newLine': 'a new line',
  'tui.input.tab': 'complete a path',
  'app.interrupt': 'stop the agent',
  'app.clear': 'clear what is typed; twice: leave',
  'app.exit': 'leave',
  'app.suspend': 'put Dash into the background',
  'app.message.followUp': 'send when the agent is done',
  'app.message.dequeue': 'take back what waits',
  'app.message.copy': 'copy the last answer',
  'app.model.select': 'choose a model',
  'app.model.cycleForward': 'the next model',
  'app.model.cycleBackward': 'the model before',
  'app.thinking.cycle': 'how much the model thinks',
  'app.thinking.toggle': 'show or fold what it thought',
  'app.tools.expand': 'show or fold what tools said',
  'app.editor.external': 'write in your own editor',
  'app.clipboard.pasteImage': 'paste an image',
  'app.session.new': 'begin a new session',
  'app.session.tree': 'go to another place of the session',
  'app.session.fork': 'go on from an earlier place in a new file',
  'app.session.resume': 'go on with another session',
  'app.tree.editLabel': 'in /tree: label a place',
  'app.tree.toggleLabelTimestamp': 'in /tree: show when labels were given',
  'app.tree.filter.default': 'in /tree: what was said and done',
  'app.tree.filter.noTools': 'in /tree: without tools',
  'app.tree.filter.userOnly': 'in /tree: what you said',
  'app.tree.filter.labeledOnly': 'in /tree: what has a label',
  'app.tree.filter.all': 'in /tree: everything',
  'app.tree.filter.cycleForward': 'in /tree: the next of these filters',
  'app.tree.filter.cycleBackward': 'in /tree: the filter before',
};
