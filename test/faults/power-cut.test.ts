import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { because, type Point, record, whyNotInjected } from './injection.ts';
import { makeSite, startFixtureRegistry } from './site.ts';

const reason = await whyNotInjected();

/** What a disk may forget when its power is cut: the name of a file, until the directory that holds it was flushed. */
describe.skipIf(reason !== undefined)(`a power cut${because(reason)}`, () => {
  it.each([
    ['install', ['install', 'npm:tool@1.0.0', '--grant', 'summary']],
    ['install of text alone', ['install', 'npm:words', '--grant', 'summary']],
  ])('right behind the commit of an %s loses nothing that the new state names', async (_, args) => {
    const registry = await startFixtureRegistry();
    const site = await makeSite(registry.url);
    const points = await record({ args: [...args, '--json'], cwd: site.workspace, env: site.env }, site.dashHome);
    const calls = points.filter(({ thread }) => thread === 'worker');
    const commit = calls.findIndex((point) => point.syscall.startsWith('rename') && renamedTo(point) === `${site.dashHome}/state/current`);
    expect(commit).toBeGreaterThan(0);
    const named = calls.slice(0, commit).filter((point) => point.syscall.startsWith('rename') && /\/(store\/v1\/(?!unpacked)|state\/)/.test(renamedTo(point)));
    expect(named.length).toBeGreaterThan(2);
    for (const point of named) {
      const path = renamedTo(point);
      const isFlushed = (dir: string) =>
        calls.slice(calls.indexOf(point), commit).some(({ syscall, text }) => syscall === 'fsync' && text.includes(`<${dir}>`));
      expect(isFlushed(dirname(path)), `the directory of ${path}`).toBe(true);
      // a shelf of the store may be new
      if (path.includes('/store/')) expect(isFlushed(join(site.dashHome, 'store/v1')), `the shelf of ${path}`).toBe(true);
    }
  });
});

/** The last path of a call. */
function renamedTo({ text }: Point): string {
  return /"([^"]*)"[^"]*$/.exec(text)?.[1] ?? '';
}
