import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { startNpmRegistry } from '../support/npm-registry.ts';
import { extensionPackage, makeSite } from './install-fixture.ts';

describe('install from npm', () => {
  it('brings a package and its dependencies, and records what it registers', async () => {
    const registry = await startNpmRegistry(
      extensionPackage('greeter', { tool: 'greet', dependencies: { shout: '^1.0.0' }, source: `import { shout } from 'shout';\n// tool:greet\n` }),
      { name: 'shout', version: '1.2.0', files: { 'index.js': 'exports.shout = 1' } },
    );
    const site = await makeSite({ registry: registry.url });
    const report = await site.install('npm:greeter');
    expect(report.installed.map(({ name, version }) => [name, version])).toEqual([['greeter', '1.0.0']]);
    expect(await site.installed()).toEqual({ greeter: '1.0.0' });
    const lock = JSON.parse(await readFile(join(site.dashHome, 'dash.lock'), 'utf8'));
    expect(Object.keys(lock.packages)).toEqual(['greeter@1.0.0', 'shout@1.2.0']);
    expect(lock.roots.greeter.graph['.']).toEqual({ shout: 'shout@1.2.0' });
  });
});
