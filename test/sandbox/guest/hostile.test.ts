import { expect, test } from 'vitest';
import { openBareIsolate } from '../../support/bare-isolate.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('a package that replaces a lazy global gets its own, and breaks no other', async () => {
  using guest = await openBareIsolate('/');
  expect(
    await guest.run(
      `fetch = () => 'mine'; globalThis.Buffer = { from: () => 'no' }; return [fetch(), typeof Request, Buffer.from(''), require('buffer').Buffer.from('hi').toString('hex')]`,
    ),
  ).toEqual(['mine', 'function', 'no', '6869']);
});

test('poisoned iterators and Object.prototype setters do not stop the channel', async () => {
  using guest = await openBareIsolate(await temporaryDirectory());
  const code = `require('fs'); Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true }); Promise.prototype.catch = () => { throw new Error('poison') };
    const fs = require('fs/promises'); await fs.writeFile('a', 'x'); return fs.readFile('a', 'utf8')`;
  expect(await guest.run(code)).toBe('x');
});

test('nothing of the broker hangs on what a package can reach', async () => {
  using guest = await openBareIsolate('/');
  // Every function and object reachable from the globals and the builtins, by property and prototype.
  const code = `const names = ['fs', 'child_process', 'http', 'https', 'crypto', 'os', 'process', 'timers', 'util', 'events', 'stream', 'module', 'readline', 'async_hooks', 'undici', 'node-fetch'];
    const seen = new Set(); const found = []; const queue = [[globalThis, 'globalThis'], ...names.map((name) => [require(name), name])];
    while (queue.length > 0) {
      const [value, path] = queue.pop();
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
      seen.add(value);
      if (value instanceof Promise) value.catch(() => {}); // getters of a prototype reject
      if (typeof value.applySyncPromise === 'function' || typeof value.requestSync === 'function' || typeof value.startTimer === 'function') found.push(path);
      for (const key of Reflect.ownKeys(value)) {
        const property = Object.getOwnPropertyDescriptor(value, key);
        try { queue.push([property.get === undefined ? property.value : value[key], path + '.' + String(key)]) } catch {}
      }
      queue.push([Object.getPrototypeOf(value), path + '.__proto__']);
    }
    return [found, seen.size > 1000]`;
  expect(await guest.run(code)).toEqual([[], true]);
});
