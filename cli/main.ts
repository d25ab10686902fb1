import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { packageRoot } from './package-root.ts';

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

function version(): string {
  const manifest: { readonly version: string } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return manifest.version;
}
