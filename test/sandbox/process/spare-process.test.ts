import { afterEach, expect, test } from 'vitest';
import { SpareProcess } from '../../../sandbox/index.ts';
import { context, extensionOf, isAlive, openFixture, textOf, until } from '../../support/sandbox-fixture.ts';

const spares: SpareProcess[] = [];
function newSpare(): SpareProcess {
  const spare = new SpareProcess();
  spares.push(spare);
  return spare;
}
afterEach(() => {
  for (const spare of spares.splice(0)) spare[Symbol.dispose]();
});

const files = { 'index.ts': extensionOf({ mark: `const seen = globalThis.mark ?? 'nobody'; globalThis.mark = params.by; return seen + ' ' + ctx.cwd` }) };
const call = { toolCallId: '1', context };

test('a package wakes in the process that was kept, and in its own surroundings', async () => {
  await using fixture = await openFixture({ files });
  const spare = newSpare();
  spare.keep();
  await until(() => spare.pid !== undefined);
  const { pid } = spare;
  const extension = fixture.reopen({ spare });
  expect(textOf(await extension.callTool('mark', { by: 'one' }, call))).toBe(`nobody ${fixture.workspace}`);
  expect(extension.pid).toBe(pid);
});

test('nothing of one package reaches the next: each takes a process in which no package ran', async () => {
  await using one = await openFixture({ name: 'one', files });
  await using two = await openFixture({ name: 'two', files });
  const spare = newSpare();
  spare.keep();
  await until(() => spare.pid !== undefined);
  const first = one.reopen({ spare });
  await first.callTool('mark', { by: 'one' }, call);
  const { pid } = first;
  first.kill();
  const second = two.reopen({ spare });
  expect(textOf(await second.callTool('mark', { by: 'two' }, call))).toContain('nobody');
  expect(second.pid).not.toBe(pid);
});

test('it is made again after it was taken, and after it died with the next that wakes', async () => {
  await using fixture = await openFixture({ files });
  const spare = newSpare();
  spare.keep();
  await until(() => spare.pid !== undefined);
  const killed = spare.pid ?? 0;
  process.kill(killed, 'SIGKILL');
  await until(() => spare.pid === undefined);
  const extension = fixture.reopen({ spare });
  expect(textOf(await extension.callTool('mark', { by: 'one' }, call))).toContain('nobody');
  await until(() => spare.pid !== undefined);
  expect(spare.pid).not.toBe(killed);
});

test('it ends with whoever kept it', async () => {
  const spare = newSpare();
  spare.keep();
  await until(() => spare.pid !== undefined);
  const pid = spare.pid ?? 0;
  spare[Symbol.dispose]();
  await until(async () => !(await isAlive(pid)));
  spare.keep();
  expect(spare.pid).toBeUndefined();
});
