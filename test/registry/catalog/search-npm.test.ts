import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, onTestFinished, test } from 'vitest';

import { pingRegistry, searchNpm } from '../../../registry/catalog/index.ts';
import { publishDocument, put, startRegistry } from '../serve/registry-fixture.ts';

async function registryWith(packages: Readonly<Record<string, readonly string[]>>): Promise<{ readonly registry: string }> {
  const registry = await startRegistry();
  for (const [name, keywords] of Object.entries(packages)) await put(registry, publishDocument({ name, manifest: { keywords, description: `about ${name}` } }));
  return { registry: registry.url };
}

describe('searchNpm', () => {
  test('finds packages of both keywords, each once, and nothing else', async () => {
    const npm = await registryWith({
      weather: ['dash-package'],
      'weather-pi': ['pi-package'],
      'weather-both': ['pi-package', 'dash-package'],
      'weather-lib': [],
    });
    const { results, total } = await searchNpm({ words: ['weather'], limit: 10, npm });
    expect(results.map(({ name, ecosystems }) => [name, ecosystems])).toEqual([
      ['weather', ['dash']],
      ['weather-both', ['dash', 'pi']],
      ['weather-pi', ['pi']],
    ]);
    expect(total).toBe(3);
    expect(results[0]).toMatchObject({ version: '1.0.0', description: 'about weather', publishedAt: expect.stringMatching(/^\d{4}-/) });
  });

  test('shows no more than was asked for, and says how many there are', async () => {
    const npm = await registryWith({ a: ['dash-package'], b: ['dash-package'], c: ['dash-package'] });
    const { results, total } = await searchNpm({ words: [], limit: 2, npm });
    expect([results.length, total]).toEqual([2, 3]);
  });

  test('a registry that is down or answers something else is named as such', async () => {
    await expect(searchNpm({ words: [], limit: 2, npm: { registry: 'http://127.0.0.1:9/', fetchRetries: 0 } })).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    });

    const server = createServer((_, response) => response.end('{"objects": "none"}')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(searchNpm({ words: [], limit: 2, npm: { registry: `http://127.0.0.1:${port}/` } })).rejects.toMatchObject({ code: 'REGISTRY_REPLY_INVALID' });
  });
});

test('pingRegistry tells the clocks apart', async () => {
  const { url } = await startRegistry();
  const { clockSkewMs } = await pingRegistry({ registry: url });
  expect(Math.abs(clockSkewMs)).toBeLessThan(5_000);
});
