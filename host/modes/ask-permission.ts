import type { PermissionAnswer, PermissionQuestion } from '../../sandbox/index.ts';
import { answerChoices, describeQuestion } from '../approval/permission-text.ts';
import type { KeyGate } from './key-gate.ts';

/** Asks on a terminal, by letters. Whatever is no letter of a yes is a no. */
export async function askPermission(
  question: PermissionQuestion,
  { gate, write, signal }: { readonly gate: KeyGate; readonly write: (text: string) => void; readonly signal: AbortSignal },
): Promise<PermissionAnswer> {
  const choices = answerChoices(question, { mayWrite: true });
  write(`\n${describeQuestion(question).join('\n')}\n  ${choices.map(({ key, label }) => `[${key}] ${label}`).join('  ')}\n`);
  const key = await gate.ask(
    choices.map((choice) => choice.key),
    signal,
  );
  const chosen = choices.find((choice) => choice.key === key) ?? { answer: 'no' as const, label: 'no' };
  write(`  → ${chosen.label}\n\n`);
  return chosen.answer;
}
