import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatPackHead, PACK_LINE_BYTES, packHeadLength, parsePackHead } from '../../format/index.ts';

const file = fc.record({
  path: fc.string({ unit: 'grapheme', minLength: 1 }).filter((path) => !path.includes('\n')),
  size: fc.nat(2 ** 31),
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
});

describe('the head of a pack', () => {
  it('reads as it was written, and the bytes follow it without gaps', () => {
    fc.assert(
      fc.property(fc.uniqueArray(file, { selector: ({ path }) => path }), (files) => {
        const head = formatPackHead(files);
        expect(packHeadLength(head.slice(0, PACK_LINE_BYTES))).toBe(Buffer.byteLength(head));
        let offset = Buffer.byteLength(head);
        const parsed = parsePackHead(head);
        for (const { path, size, sha256 } of files) {
          expect(parsed?.get(path)).toEqual({ offset, size, sha256 });
          offset += size;
        }
        expect(parsed?.size).toBe(files.length);
      }),
    );
  });

  it.each([
    ['', undefined],
    ['dash-pack 2 10                 \n', undefined],
    ['dash-pack 1 ten                \n', undefined],
    ['x'.repeat(32), undefined],
  ])('is not %j', (line, length) => {
    expect(packHeadLength(line)).toBe(length);
  });

  it('is refused when a line of it is damaged', () => {
    const head = formatPackHead([{ path: 'a.js', size: 3, sha256: 'a'.repeat(64) }]);
    expect(parsePackHead(head.replace('aaaa', 'aaax'))).toBeUndefined();
    expect(parsePackHead(head.replace(' 3 ', ' -3 '))).toBeUndefined();
  });
});
