import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extensionOf, openFixture, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * `.github` may be written, `.github/workflows` not. A directory is looked through before it is renamed to
 * `.github`; what is moved into it after that look would arrive there with it.
 */
const ROUNDS = 150;
const TOOLS = {
  race: `const fs = require('node:fs/promises');
    for (let round = 0; round < ${ROUNDS}; round++) {
      await fs.rm('.github', { recursive: true, force: true }).catch(() => {});
      await fs.rm('x', { recursive: true, force: true }).catch(() => {});
      await fs.rm('y', { recursive: true, force: true }).catch(() => {});
      await fs.mkdir('x/a/b/c', { recursive: true });
      await fs.mkdir('y/workflows', { recursive: true });
      await fs.writeFile('y/workflows/evil.yml', 'PLANTED');
      const moves = [fs.rename('x', '.github')];
      for (let ticks = round % 30; ticks > 0; ticks--) await null;
      moves.push(fs.rename('y/workflows', 'x/workflows'));
      await Promise.allSettled(moves);
      if (await fs.readFile('.github/workflows/evil.yml', 'utf8').catch(() => '') === 'PLANTED') return 'planted in round ' + round;
    }
    return 'never';`,
};

async function probe(): Promise<Fixture> {
  return openFixture({ files: { 'index.ts': extensionOf(TOOLS) }, granted: ['fs:read', 'fs:write'] });
}

test('control: renamed by itself, a directory with `workflows` in it arrives', async () => {
  await using fixture = await probe();
  const at = (path: string): string => join(fixture.workspace, path);
  mkdirSync(at('x/workflows'), { recursive: true });
  writeFileSync(at('x/workflows/evil.yml'), 'PLANTED');
  renameSync(at('x'), at('.github'));
  expect(readFileSync(at('.github/workflows/evil.yml'), 'utf8')).toBe('PLANTED');
  rmSync(at('.github'), { recursive: true });
});

test('no directory is filled between the look into it and its renaming', async () => {
  await using fixture = await probe();
  expect(await fixture.text('race', {}, { timeoutMs: 60_000 })).toBe('never');
  expect(existsSync(join(fixture.workspace, '.github/workflows'))).toBe(false);
});
