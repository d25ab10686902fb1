import type { QuestionPort } from '../sandbox/index.ts';
import type { Terminal } from './output/terminal.ts';

/** Asks at the terminal what a package may do. Loaded when there is one: a script pays nothing for it. */
export async function terminalQuestions({ write }: Terminal): Promise<QuestionPort> {
  const [{ askPermission, createKeyGate }, { createQuestionDesk }] = await Promise.all([import('../host/index.ts'), import('../sandbox/index.ts')]);
  return createQuestionDesk({
    async ask(question, signal) {
      using gate = createKeyGate(process.stdin, process.stderr);
      return await askPermission(question, { gate, write, signal });
    },
  });
}
