import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createHost, getModel } from '../../host/index.ts';
import { knownModels } from '../../scripts/known-models.ts';

it('gives a model by provider and id, with its price, and lets no wrong pair compile', () => {
  expect(getModel('anthropic', 'claude-sonnet-5')).toMatchObject({ provider: 'anthropic', id: 'claude-sonnet-5', cost: { input: expect.any(Number) } });
  // @ts-expect-error no such model
  expect(() => getModel('anthropic', 'claude-nothing')).toThrow(/no model `claude-nothing`/);
  // @ts-expect-error a model of somebody else
  expect(() => getModel('anthropic', 'gpt-5.5')).toThrow(/no model/);
  // @ts-expect-error no such provider
  expect(() => getModel('nobody', 'claude-sonnet-5')).toThrow(/no model/);
  // @ts-expect-error no path into other modules
  expect(() => getModel('../index', 'x')).toThrow(/no model/);
});

it('names in its types what the library beneath lists', async () => {
  const text = await readFile(new URL('../../host/model/known-models.ts', import.meta.url), 'utf8');
  const typed = new Map<string, string[]>();
  let provider = '';
  for (const line of text.split('\n')) {
    provider = /^ {2}'?([a-z0-9-]+)'?:/.exec(line)?.[1] ?? provider;
    const ids = [...line.replace(/^ {2}'?[a-z0-9-]+'?:/, '').matchAll(/'([^']+)'/g)].map(([, id = '']) => id);
    if (ids.length > 0) typed.set(provider, [...(typed.get(provider) ?? []), ...ids]);
  }
  expect([...typed].map(([id, models]) => [id, models.toSorted()])).toEqual([...(await knownModels())].map(([id, models]) => [id, models.toSorted()]));
});

it('is what a host can be started with', async () => {
  const model = getModel('openai', 'gpt-5.5');
  const dashHome = await mkdtemp(join(tmpdir(), 'dash-home-'));
  await using host = await createHost({ dashHome, env: { OPENAI_API_KEY: 'k' }, model, session: { kind: 'memory' } });
  expect(host.conversation.model).toMatchObject({ provider: 'openai', id: 'gpt-5.5' });
  await rm(dashHome, { recursive: true, force: true });
});
