import type { HostPorts } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { manyLines, oneLine } from './output/terminal.ts';
import { portsWithoutHost } from './ports-without-host.ts';
import { terminalQuestions } from './terminal-questions.ts';

/**
 * A package asks and tells the user at the terminal, and every line says who does. What is typed goes to the package that
 * asked, and is not shown: it may be a code.
 */
export async function terminalPorts({ stderr, canAsk }: Invocation): Promise<HostPorts> {
  const marked = (by: string | undefined, text: string): string =>
    manyLines(text)
      .split('\n')
      .map((line) => (by === undefined ? line : `${oneLine(by)} | ${line}`))
      .join('\n');
  const ports = portsWithoutHost((text) => stderr.write(`${manyLines(text)}\n`), canAsk ? await terminalQuestions(stderr) : undefined);
  return {
    ...ports,
    ui: {
      ...ports.ui,
      notify: (message, _level, by) => stderr.write(`${marked(by, message)}\n`),
      async input(title, placeholder, { by, signal }) {
        if (!canAsk) return undefined;
        const { isCancel, password } = await import('@clack/prompts');
        stderr.write(`${marked(by, title)}\n`);
        const answer = await password({
          message: placeholder === undefined ? 'paste it here' : oneLine(placeholder),
          output: process.stderr,
          ...(signal && { signal }),
        });
        return isCancel(answer) ? undefined : answer;
      },
      async select(title, choices, { by, signal }) {
        if (!canAsk) return undefined;
        const { isCancel, select } = await import('@clack/prompts');
        stderr.write(`${marked(by, title)}\n`);
        const answer = await select({
          message: 'choose',
          options: choices.map((choice) => ({ value: choice, label: oneLine(choice) })),
          output: process.stderr,
          ...(signal && { signal }),
        });
        return isCancel(answer) ? undefined : answer;
      },
    },
  };
}
