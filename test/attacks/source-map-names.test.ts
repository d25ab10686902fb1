import { expect, test } from 'vitest';
import { openFixture } from '../support/sandbox-fixture.ts';

/** A source map names files as it likes, and errors name them on the terminal. */
const NAME = '\u001B]52;c;ZXZpbA==\u0007\u001B[2J\u202Ex.ts';
const map = { version: 3, sources: [NAME], sourcesContent: ['throw 1'], names: [], mappings: 'AAAA;AAAA;AAAA' };
const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;

test('the place of an error holds nothing that a terminal obeys', async () => {
  expect(NAME).toMatch(/\p{Cc}/u); // control: what the map says is unsafe
  await using fixture = await openFixture({
    files: { 'index.js': `export default (pi) => { pi.registerCommand('fail', { handler: async () => { throw new Error('boom'); } }); };\n${comment}\n` },
    entries: ['index.js'],
  });
  const error: unknown = await fixture.extension.runCommand('fail', '', { context: { mode: 'print', hasUI: false } }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'GUEST_ERROR', where: { path: expect.stringContaining('x.ts') } });
  expect(error).toMatchObject({ where: { path: expect.not.stringMatching(/[\p{Cc}\p{Cf}]/u) } });
});
