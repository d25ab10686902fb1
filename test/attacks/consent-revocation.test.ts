import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { succeeded } from '../../scripts/demo/stage.ts';
import { startJourney } from '../support/journey.ts';

/** Reads until it may no longer, or `rounds` times; says after the first that it began. */
const READER = `
import { readFile } from 'node:fs/promises';
export default (pi) => pi.registerTool({
  name: 'reader', description: 'reads', parameters: { type: 'object', properties: { rounds: { type: 'number' } } },
  async execute(id, { rounds }, signal, onUpdate) {
    let reads = 0;
    try {
      for (; reads < rounds; reads++) {
        await readFile('a.txt', 'utf8');
        if (reads === 0) onUpdate({ content: [{ type: 'text', text: 'reading' }] });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } catch (error) {
      return { content: [{ type: 'text', text: error.code + ' after ' + (reads > 0) }] };
    }
    return { content: [{ type: 'text', text: 'read all' }] };
  },
});`;

const call = (rounds: number) => ({ toolCalls: [{ name: 'reader', arguments: { rounds } }] });

test('a package that is reading can read no more once another process took the grant back', async () => {
  const { publish, install, host, dash, workspace } = await startJourney();
  await publish('reader', READER);
  await install('reader', 'fs:read:./a.txt');
  await writeFile(join(workspace, 'a.txt'), 'a');
  // with somebody to ask, the user would be asked anew
  const session = await host([call(20), {}, call(1_000_000), {}], '--no-input');

  // the control arm: nobody takes anything back
  await session.send({ type: 'prompt', message: 'read' });
  const [whole] = resultOf(await session.wait(({ type }) => type === 'tool_execution_end'));
  expect(whole).toBe('read all');
  await session.wait(({ type }) => type === 'agent_settled');

  const from = session.records.length;
  await session.send({ type: 'prompt', message: 'read on' });
  await session.wait(({ type }) => type === 'tool_execution_update', from);
  succeeded(await dash('permissions', 'revoke', 'reader', 'fs:read:./a.txt'), 'revoke');
  const [cut] = resultOf(await session.wait(({ type }) => type === 'tool_execution_end', from));
  expect(cut).toBe('EACCES after true');
  await session.close();
});

function resultOf(record: Readonly<Record<string, unknown>>): readonly string[] {
  return (record['result'] as { readonly content: readonly { readonly text: string }[] }).content.map(({ text }) => text);
}
