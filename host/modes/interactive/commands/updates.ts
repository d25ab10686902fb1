import { plainText, quotedText } from '../../../../format/index.ts';
import { QuestionBlock } from '../question-block.ts';
import { choose } from '../search-panel.ts';
import type { ScreenCommand } from './command.ts';

export const updates: ScreenCommand = {
  name: 'updates',
  description: 'new versions that wait for you, with what they change',
  async run(_words, context) {
    const { host, household, screen, palette, say } = context;
    const waiting = (await household?.updates()) ?? [];
    if (household === undefined || waiting.length === 0) return say('no update waits for you; `dash update` looks for new ones');
    const update =
      waiting.length === 1
        ? waiting[0]
        : await choose(context, {
            title: 'which update?',
            choices: waiting.map((one) => ({
              value: one,
              label: `${one.name} ${one.from} → ${one.to}`,
              ...(one.lines[0] !== undefined && { description: one.lines[0] }),
            })),
          });
    if (update === undefined) return;
    const { name, from, to, lines, mayGoWithout } = update;
    const question = {
      title: `take ${quotedText(name, 80)} ${plainText(to, 60)} in place of ${plainText(from, 60)}?`,
      text: lines.map((line) => `  ${plainText(line, 400)}`),
      answers: [`[n] no, ${plainText(from, 60)} keeps running`, '[t] take it', ...(mayGoWithout ? ['[w] take it without what is new'] : [])],
    };
    const key = await screen.ask({ component: new QuestionBlock(question, screen, palette), keys: ['n', 't', ...(mayGoWithout ? ['w'] : [])] });
    if (key !== 't' && key !== 'w') return;
    say(`taking ${plainText(name, 80)} ${plainText(to, 60)} …`, 'muted');
    const taken = await household.takeUpdate(update, key === 't' ? 'whole' : 'without');
    await host.reload();
    say(`${taken}; it runs from now on`, 'muted');
  },
};
