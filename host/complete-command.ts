import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { isDashError } from '../format/index.ts';
import type { CallContext } from '../sandbox/index.ts';
import { type ArgumentCompletion, completeArguments } from '../skills-lib/index.ts';
import { type CommandHost, HOST_COMMANDS } from './commands/index.ts';
import type { CommandContribution, Contributions } from './packages/contributions.ts';
import { terminalText } from './terminal-text.ts';

export interface CompleteCommandOptions {
  readonly contributions: () => Pick<Contributions, 'commands' | 'resources'>;
  readonly commandHost: CommandHost;
  readonly callContext: () => CallContext;
  /** Keeps the packages of this moment open. */
  readonly hold: () => Disposable;
}

/** Says what could be typed after a command; never fails, and answers nothing where nothing is known. */
export type CompleteCommand = (name: string, typed: string) => Promise<readonly ArgumentCompletion[]>;

/**
 * Makes what completes the arguments of everything that `/` offers: what the host knows, what a package answers, and what
 * the hint of a template or skill names. `typed` is all that stands behind the command and its space.
 */
export function createCompleteCommand({ contributions, commandHost, callContext, hold }: CompleteCommandOptions): CompleteCommand {
  const askPackage = async ({ sandboxed, registration }: CommandContribution, typed: string): Promise<readonly ArgumentCompletion[]> => {
    using _ = hold();
    try {
      // Nobody meant to start anything by typing: there is no origin, so what is not granted is denied and not asked.
      return readAnswer(await sandboxed.completeArguments(registration.name, typed, { context: callContext() }));
    } catch (error) {
      if (!isDashError(error)) throw error;
      return []; // whoever types is not to be disturbed
    }
  };
  return async (name, typed) => {
    const own = HOST_COMMANDS.find((command) => command.name === name);
    if (own !== undefined) {
      const choices = (await own.choices?.(commandHost)) ?? [];
      const fitting = choices.filter(({ word }) => word.toLowerCase().includes(typed.trim().toLowerCase()));
      return fitting.slice(0, MOST).map(({ word, about }) => ({ value: word, label: word, description: about }));
    }
    const { commands, resources } = contributions();
    const command = commands.get(name);
    if (command !== undefined) return command.registration.completes === true ? askPackage(command, typed) : [];
    const skill = resources.skills.find((candidate) => name === `skill:${candidate.name}`);
    // the text of a skill is no template
    if (skill !== undefined) return completeArguments({ argumentHint: skill.argumentHint, body: '' }, typed);
    const prompt = resources.prompts.find((candidate) => candidate.name === name);
    return prompt === undefined ? [] : completeArguments(prompt, typed);
  };
}

const MOST = 100;
const Item = Type.Object({
  value: Type.String({ minLength: 1, maxLength: 1000 }),
  label: Type.String({ maxLength: 1000 }),
  description: Type.Optional(Type.String({ maxLength: 1000 })),
});

/** What a package answered is shown, and what is chosen is typed: lines and control characters are neither. */
function readAnswer(answer: unknown): readonly ArgumentCompletion[] {
  if (!Array.isArray(answer)) return [];
  const line = (text: string): string => terminalText(text).replaceAll(/[\n\t]+/g, ' ');
  return answer.slice(0, MOST).flatMap((item: unknown): ArgumentCompletion[] => {
    if (!Value.Check(Item, item) || line(item.value) !== item.value) return [];
    const { value, label, description } = item;
    return [{ value, label: line(label) || value, ...(description !== undefined && { description: line(description) }) }];
  });
}
