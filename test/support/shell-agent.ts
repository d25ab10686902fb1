import type { Places } from '../../format/index.ts';
import { openShell } from '../../sandbox/index.ts';

/** An agent of its own that is in the middle of a command, until somebody kills it. */
const places: Places = JSON.parse(process.argv[2] ?? '');
const shell = openShell({
  places,
  env: process.env,
  environment: { PATH: process.env['PATH'] ?? '', HOME: places.home },
  dashHome: places.dashHome ?? '',
  allow: async () => false,
});
await shell.run('echo evil > package.json; echo all: > Makefile; echo planted; sleep 7654322', {
  signal: AbortSignal.timeout(120_000),
  onOutput: (bytes) => process.stdout.write(bytes),
});
