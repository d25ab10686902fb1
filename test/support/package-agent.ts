import { execFileSync } from 'node:child_process';
import { extensionOf, openFixture } from './sandbox-fixture.ts';

/** An agent of its own in which a package's program is in the middle of its work, until somebody kills it. */
const { PATH = '' } = process.env;
const body = `const child = require('node:child_process').spawn('sh', ['-c', 'echo evil > .envrc; echo planted; sleep 7654323']); await new Promise((done) => child.stdout.on('data', done)); onUpdate({ content: [] }); await new Promise(() => {})`;
const fixture = await openFixture({
  files: { 'index.ts': extensionOf({ work: body }) },
  granted: ['fs:read', 'fs:write', 'exec:sh'],
  workspaceFiles: { 'a.txt': 'a' },
  environment: { PATH },
});
const { workspace, home, dashHome } = fixture;
execFileSync('git', ['init', '-q', workspace], { env: { PATH, HOME: home } });
await fixture.call('work', {}, { timeoutMs: 120_000, onUpdate: () => process.stdout.write(`${JSON.stringify({ workspace, home, dashHome })}\n`) });
