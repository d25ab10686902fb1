import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** A burst of which much is alive at a time, in a process of its own. @returns the bytes of the space for new objects after it */
function spaceAfter(burst: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { withoutGrowing } from ${JSON.stringify(new URL('../../host/without-growing.ts', import.meta.url).href)};
    const burst = async () => {
      let alive = [];
      for (let round = 0; round < 20; round += 1) alive = Array.from({ length: 60_000 }, (_, index) => ({ index, list: [index] }));
      return alive.length;
    };
    ${burst}
    process.stdout.write(String(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').physical_space_size));`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('a burst of work leaves the space for new objects as large as it was; what comes after it may grow again', () => {
  const grown = spaceAfter('await burst();');
  const held = spaceAfter('await withoutGrowing(burst);');
  expect(held).toBeLessThan(grown / 4);
  expect(spaceAfter('await Promise.all([withoutGrowing(burst), withoutGrowing(async () => undefined)]);')).toBeLessThan(grown / 4);
  expect(spaceAfter('await withoutGrowing(burst); await burst(); await burst();')).toBeGreaterThan(held * 2);
});
