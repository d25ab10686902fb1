import { textOf } from '../../../model/messages.ts';
import type { ScreenCommand } from './command.ts';

export const copy: ScreenCommand = {
  name: 'copy',
  description: 'put the last answer into the clipboard',
  action: 'app.message.copy',
  run(_words, { host, say, copy: put }) {
    const answer = host.conversation.messages.findLast(({ role }) => role === 'assistant');
    const text = answer?.role === 'assistant' ? textOf(answer.content) : '';
    if (text === '') return say('there is no answer yet');
    put(text);
    say(`copied ${text.length} characters`, 'muted');
  },
};
