import { describe, expect, test } from 'vitest';

import { getJson, publishDocument, put, startRegistry } from './registry-fixture.ts';

const PACKAGES = [
  { name: 'weather', description: 'forecasts', keywords: ['dash-package', 'sky'] },
  { name: 'weather-maps', description: 'draws maps', keywords: ['pi-package'] },
  { name: 'mapper', description: 'knows the weather', keywords: ['dash-package'] },
  { name: '@acme/notes', description: 'keeps notes', keywords: ['dash-package', 'pi-package'] },
  { name: 'left-pad', description: 'pads' },
];

async function search(query: string): Promise<{ names: string[]; total: unknown }> {
  const registry = await startRegistry();
  for (const { name, ...manifest } of PACKAGES) await put(registry, publishDocument({ name, manifest }));
  const reply = await getJson(registry, `-/v1/search?${query}`);
  expect(reply).toMatchObject({ objects: expect.any(Array), total: expect.any(Number), time: expect.any(String) });
  const { objects, total } = reply as { objects: { package: { name: string } }[]; total: number };
  return { names: objects.map((hit) => hit.package.name), total };
}

describe('search', () => {
  test.for([
    ['text=keywords:dash-package', ['@acme/notes', 'mapper', 'weather']],
    ['text=keywords:dash-package,pi-package', ['@acme/notes', 'mapper', 'weather', 'weather-maps']],
    ['text=keywords:dash-package+keywords:pi-package', ['@acme/notes']],
    ['text=weather', ['weather', 'weather-maps', 'mapper']],
    ['text=WEATHER+map', ['weather-maps', 'mapper']],
    ['text=keywords:dash-package+weather', ['weather', 'mapper']],
    ['text=sky', ['weather']],
    ['text=nothing-of-the-kind', []],
  ] as const)('%s finds %j, the best first', async ([query, names]) => {
    expect(await search(query)).toEqual({ names, total: names.length });
  });

  test('pages through the hits', async () => {
    expect(await search('text=keywords:dash-package&size=1&from=1')).toEqual({ names: ['mapper'], total: 3 });
    expect(await search('text=keywords:dash-package&size=-5&from=x')).toEqual({ names: [], total: 3 });
  });
});
