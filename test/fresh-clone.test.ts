import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

/**
 * `npm install` leaves optional packages of other platforms out of the lock when a registry does not have them, and
 * `npm ci` on the next machine then refuses the whole lock.
 */
test('the lock names every optional dependency, of every platform', () => {
  const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as Locked;
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !placesAbove(place).some((above) => `${above}node_modules/${name}` in packages)),
  );
  expect(missing).toEqual([]);
});

/** `a/node_modules/b` looks in itself, in `a`, and at the top. */
function placesAbove(place: string): string[] {
  const places = [''];
  for (let at = 0; at !== -1 && place !== ''; at = place.indexOf('/node_modules/', at + 1)) if (at > 0) places.push(`${place.slice(0, at)}/`);
  return place === '' ? places : [...places, `${place}/`];
}
