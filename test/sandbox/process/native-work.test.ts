import { createHash } from 'node:crypto';
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, test } from 'vitest';
import { createNativeWork } from '../../../sandbox/process/native-work.ts';

const text = (bytes: Buffer): string => bytes.toString('latin1');
const bytesIn = (answer: string): Buffer => Buffer.from(answer.slice(1), 'latin1');
const order = (what: object, bytes: Buffer = Buffer.alloc(0)): string => `${JSON.stringify(what)}\n${text(bytes)}`;
const gzip = { kind: 'zlib', make: 'Gzip', options: {} };
const gunzip = { kind: 'zlib', make: 'Gunzip', options: {} };

it('codes step by step, and gives at every step what is ready', async () => {
  const work = createNativeWork();
  const id = Number((await work(order({ do: 'open', engine: gunzip }))).slice(1));
  const packed = gzipSync(Buffer.alloc(100_000, 'a'));
  const parts = [packed.subarray(0, 20), packed.subarray(20)];
  const given = [];
  for (const part of parts) given.push(bytesIn(await work(order({ do: 'write', id }, part))));
  given.push(bytesIn(await work(order({ do: 'end', id }))));
  expect(Buffer.concat(given).length).toBe(100_000);
  expect(await work(order({ do: 'write', id }))).toMatch(/^-.*ERR_STREAM_DESTROYED/);
});

it('stops at a bomb, in one step and in many, and goes on with the next order', async () => {
  const work = createNativeWork();
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024));
  const engine = { kind: 'zlib', make: 'InflateRaw', options: {} };
  expect(await work(order({ do: 'run', engine }, bomb))).toMatch(/^-.*ERR_BUFFER_TOO_LARGE/);
  const id = Number((await work(order({ do: 'open', engine }))).slice(1));
  expect(await work(order({ do: 'write', id }, bomb))).toMatch(/^-.*ERR_BUFFER_TOO_LARGE/);
  expect(await work(order({ do: 'end', id }))).toMatch(/^-.*ERR_BUFFER_TOO_LARGE/);
  expect(gunzipSync(bytesIn(await work(order({ do: 'run', engine: gzip }, Buffer.from('after')))))).toEqual(Buffer.from('after'));
});

it('keeps no more than some open at a time', async () => {
  const work = createNativeWork();
  const answers = [];
  for (let count = 0; count < 70; count++) answers.push(await work(order({ do: 'open', engine: { kind: 'hash', algorithm: 'sha1' } })));
  expect(answers.filter((answer) => answer.startsWith('+'))).toHaveLength(64);
  expect(answers.at(-1)).toMatch(/^-.*EMFILE/);
  await work(order({ do: 'close', id: 1 }));
  expect(await work(order({ do: 'open', engine: gzip }))).toMatch(/^\+/);
});

describe('what a hostile guest orders', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', 'x\n'],
    ['no object', '1\n'],
    ['null', 'null\n'],
    ['an unknown verb', order({ do: 'exec' })],
    ['a name of Object.prototype', order({ do: 'constructor' })],
    ['an unknown coder', order({ do: 'run', engine: { kind: 'zlib', make: 'constructor', options: {} } })],
    ['an unknown engine', order({ do: 'run', engine: { kind: 'vm' } })],
    ['options that are none', order({ do: 'run', engine: { kind: 'zlib', make: 'Gzip', options: { level: 99 } } })],
    ['an algorithm that is none', order({ do: 'run', engine: { kind: 'hash', algorithm: 'x'.repeat(100_000) } })],
    ['a stream that is not its own', order({ do: 'write', id: 4_711 })],
    ['a broken archive', order({ do: 'run', engine: gunzip }, Buffer.from('not an archive'))],
    ['half an archive', order({ do: 'run', engine: gunzip }, gzipSync('half').subarray(0, 15))],
    ['a key of no length', order({ do: 'derive', how: { kind: 'pbkdf2', salt: '', iterations: 0, length: -1, digest: 'sha256' } })],
    ['memory without an end', order({ do: 'derive', how: { kind: 'scrypt', salt: '', length: 10, options: { N: 2 ** 30, r: 64, p: 64 } } })],
    ['a call with keys that there is not', order({ do: 'keys', call: 'exec', args: [] })],
    ['a call of Object.prototype', order({ do: 'keys', call: 'constructor', args: [] })],
    ['a key that is none', order({ do: 'keys', call: 'sign', args: ['sha256', { $: 'bytes', v: 'x' }, { $: 'key', type: 'private', v: 'no key' }] })],
    [
      'a web key that is none',
      order({ do: 'keys', call: 'subtleSign', args: ['HMAC', { $: 'webkey', type: '__proto__', v: '', algorithm: 'HMAC', usages: ['sign'] }, ''] }),
    ],
    ['a key with an export of its own', order({ do: 'keys', call: 'exportKey', args: [{ export: 'x' }, {}] })],
    ['no arguments', order({ do: 'keys', call: 'verify' })],
    ['arguments as deep as the stack', order({ do: 'keys', call: 'sign', args: [JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)] })],
    ['a number that is none', order({ do: 'keys', call: 'sign', args: [{ $: 'bigint', v: 'x' }] })],
    ['a pair of no known kind', order({ do: 'keys', call: 'generateKeyPair', args: ['constructor', {}] })],
    ['a cipher that is none', order({ do: 'run', engine: { kind: 'cipher', decrypt: false, algorithm: 'constructor', key: '', iv: null, options: {} } })],
    ['a cipher without a key', order({ do: 'run', engine: { kind: 'cipher', decrypt: true, algorithm: 'aes-256-gcm', key: '', iv: '', options: {} } })],
    ['an encoding that is none', order({ do: 'text', from: 'nowhere', to: 'latin1' })],
  ])('%s is an answer, not an exception', async (_name, text) => {
    const work = createNativeWork();
    const answer = await work(text);
    expect(answer).toMatch(/^-\{"message":/);
    expect(answer).not.toMatch(/node:|\.ts|at /);
    expect(answer.length).toBeLessThan(2_000);
    expect(bytesIn(await work(order({ do: 'run', engine: { kind: 'hash', algorithm: 'sha256' } }, Buffer.from('a'))))).toEqual(
      createHash('sha256').update('a').digest(),
    );
  });
});
