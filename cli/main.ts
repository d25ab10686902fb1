import { writeSync } from 'node:fs';

import { version } from './package-root.ts';

/** Runs one command line and answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V' || argv[0] === '-v')) {
    writeSync(1, `${version()}\n`);
    return 0;
  }
  // a shell asks at every press of Tab, with words that are not options of ours
  if (argv[0] === '__complete') {
    const { printCompletions } = await import('./complete.ts');
    await printCompletions(argv.slice(argv[1] === '--' ? 2 : 1));
    return 0;
  }
  const { runProgram } = await import('./program.ts');
  return runProgram(argv, version());
}
