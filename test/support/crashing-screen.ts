/** A screen whose program crashes: what is left of the terminal is looked at from outside. */
import { Painter } from '../../host/modes/interactive/painter.ts';
import { StreamTerminal } from '../../host/modes/interactive/terminal.ts';

const terminal = new StreamTerminal({ input: process.stdin, output: process.stdout, lost: () => undefined });
const line = { render: () => ['a line'], invalidate: () => undefined };
const painter = new Painter(terminal, { components: () => [line], focused: undefined });
painter.start();
setTimeout(() => {
  throw new Error('it broke');
}, 100);
