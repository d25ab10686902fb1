import { expect, it } from 'vitest';
import { openFixture, tool } from '../../support/sandbox-fixture.ts';

it('an event of a package is heard at once by its own extensions, which may answer in it', async () => {
  const answering = `export default (pi) => { pi.events.on('app:config', (event) => event.reply('the answer')); };`;
  const asking = `export default (pi) => { ${tool('ask', `let answer = 'none'; pi.events.emit('app:config', { reply: (value) => { answer = value } }); return answer`)} };`;
  await using fixture = await openFixture({ files: { 'a.ts': answering, 'b.ts': asking }, entries: ['a.ts', 'b.ts'] });
  expect(await fixture.text('ask')).toBe('the answer');
});

it('a listener that throws and an event that is no JSON disturb nobody', async () => {
  const body = `let heard = 0; pi.events.on('x', () => { throw new Error('bad listener') }); pi.events.on('x', () => { heard++ }); const cycle = {}; cycle.self = cycle; pi.events.emit('x', cycle); return String(heard)`;
  await using fixture = await openFixture({ files: { 'index.ts': `export default (pi) => { ${tool('emit', body)} };` } });
  expect(await fixture.text('emit')).toBe('1');
  expect(fixture.logs.join('\n')).toContain('bad listener');
});

it('after loading a tool may change what it does, and none is added without a permission', async () => {
  const again = `pi.registerTool({ name: 'change', description: 'other', execute: () => 'changed' }); return 'done'`;
  const add = `try { await pi.registerTool({ name: 'late', description: 'd', execute: () => 'x' }) } catch (error) { return error.code + ' ' + error.message }`;
  await using fixture = await openFixture({ files: { 'index.ts': `export default (pi) => { ${tool('change', again)} ${tool('add', add)} };` } });
  expect(await fixture.text('add')).toMatch(/^EACCES .*probe has no `tools:dynamic`/);
  expect(await fixture.text('change')).toBe('done');
  expect(await fixture.text('change')).toBe('changed');
  expect(fixture.extension.registrations.tools.map(({ name, description }) => [name, description])).toEqual([
    ['change', 'a probe'],
    ['add', 'a probe'],
  ]);
});

it('arguments are those of the schema: what can be converted is, and what is wrong is named', async () => {
  const source = `import { Type } from 'typebox';
    const parameters = Type.Object({ count: Type.Number({ minimum: 1 }), names: Type.Optional(Type.Array(Type.String())) });
    export default (pi) => { pi.registerTool({ name: 'count', description: 'd', parameters, execute: async (id, params) => JSON.stringify(params) }); };`;
  await using fixture = await openFixture({ files: { 'index.ts': source } });
  expect(await fixture.text('count', { count: 2, names: ['a'] })).toBe('{"count":2,"names":["a"]}');
  expect(await fixture.text('count', { count: '3' })).toBe('{"count":3}');
  for (const [args, where] of [
    [{}, 'count'],
    [{ count: 0 }, '/count'],
    [{ count: 'many' }, '/count'],
    [{ count: 1, names: [[]] }, '/names/0'],
  ] as const) {
    const refused = await fixture.call('count', args);
    expect(refused).toMatchObject({ isError: true, details: { code: 'INVALID_ARGUMENTS' } });
    expect(refused.content[0]).toMatchObject({ text: expect.stringContaining(where) });
  }
});
