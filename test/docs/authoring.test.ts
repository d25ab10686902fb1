import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { BIN, run } from '../../scripts/demo/stage.ts';
import { startJourney } from '../support/journey.ts';

const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
const section = /^### A skill, by hand$([^]*?)^##/m.exec(readme)?.[1] ?? '';

/** Each `sh` block is a command to type, each `markdown` block a file under the name before it. */
const steps = [...section.matchAll(/(?:^`([^`\n]+)`:\n\n)?^```(sh|markdown)\n([^]*?)^```$/gm)].map(([, path, kind, text = '']) =>
  kind === 'sh' ? { kind: 'type' as const, text } : { kind: 'write' as const, path: path ?? '', text },
);

test('a skill written as the README says is in a running host after `/reload`', async () => {
  const journey = await startJourney();
  const { user, workspace } = journey;
  const bin = join(workspace, 'bin');
  await mkdir(bin);
  // the node that runs this, not the one that a PATH happens to have
  await writeFile(join(bin, 'dash'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 });
  const host = await journey.host([{ text: 'tidied' }]);
  const commands = async () => JSON.stringify(await host.send({ type: 'get_commands' }));
  expect(await commands()).not.toContain('skill:tidy-branches');

  expect(steps.map(({ kind }) => kind)).toEqual(['type', 'write', 'type']);
  for (const step of steps) {
    if (step.kind === 'write') {
      await writeFile(step.path.replace(/^~/, user.home), step.text);
      continue;
    }
    const env = { HOME: user.home, PATH: `${bin}:${process.env['PATH']}`, DASH_HOME: user.dashHome };
    expect(await run('/bin/sh', ['-e', '-c', step.text], { cwd: workspace, env })).toMatchObject({ exitCode: 0 });
  }

  await host.send({ type: 'prompt', message: '/reload' });
  expect(await commands()).toContain('skill:tidy-branches');
  const said = JSON.stringify(await host.run('/skill:tidy-branches in this repository'));
  expect(said).toContain('Delete only those, with `git branch -d`');
});
