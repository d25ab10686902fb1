// Sets the repository up if need be, then runs one command under Node 24: `node scripts/run.mjs vitest run`.
import { spawn } from 'node:child_process';

import { projectEnvironment, setUp } from './setup.mjs';

const [command, ...args] = process.argv.slice(2);
setUp();

const child = spawn(command, args, { env: projectEnvironment(), stdio: 'inherit' });
// the terminal sends Ctrl-C to both; the command decides what it means
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : code;
});
