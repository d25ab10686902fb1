import { PassThrough } from 'node:stream';
import type { Component } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Painter } from '../../../host/modes/interactive/painter.ts';
import { StreamTerminal } from '../../../host/modes/interactive/terminal.ts';
import { SmallTerminal } from '../../support/small-terminal.ts';

/** A component with lines that can be replaced; the same array says that nothing changed. */
class Fixed implements Component {
  lines: string[];
  constructor(lines: string[]) {
    this.lines = lines;
  }
  render(): string[] {
    return this.lines;
  }
  invalidate(): void {
    this.lines = [...this.lines];
  }
}

function paintOn(rows: number) {
  const output = new SmallTerminal(20, rows);
  const terminal = new StreamTerminal({ input: new PassThrough(), output, lost: () => undefined });
  const layout: { components: Fixed[] } = { components: [] };
  const painter = new Painter(terminal, { components: () => layout.components, focused: undefined });
  painter.start();
  return { output, layout, painter, [Symbol.dispose]: () => painter.stop() };
}

type Change =
  | { readonly kind: 'add'; readonly lines: string[] }
  | { readonly kind: 'replace'; readonly at: number; readonly lines: string[] }
  | { readonly kind: 'remove'; readonly at: number };

const lines = fc.array(fc.constantFrom('a', 'bb', 'ccc', 'dddd', ''), { maxLength: 6 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), lines }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('replace' as const), at: fc.nat(20), lines }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }) },
);

function apply(components: Fixed[], wanted: Change): void {
  switch (wanted.kind) {
    case 'add':
      components.push(new Fixed(wanted.lines.map((line, index) => `${line}${components.length}.${index}`)));
      return;
    case 'replace': {
      const component = components[wanted.at % Math.max(1, components.length)];
      if (component !== undefined) component.lines = wanted.lines;
      return;
    }
    case 'remove':
      components.splice(wanted.at % Math.max(1, components.length), 1);
  }
}

test('after every change the screen shows the end of the document, and a repair writes all of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), fc.array(change, { minLength: 1, maxLength: 25 }), (rows, changes) => {
      using world = paintOn(rows);
      for (const one of changes) {
        apply(world.layout.components, one);
        world.painter.renderNow();
        const document = world.layout.components.flatMap((component) => component.lines);
        // What shrinks leaves empty rows below it; what is shown is an end of the document all the same.
        const [shown, end] = [withoutEmptyEnd(world.output.screen), withoutEmptyEnd(document)];
        expect(shown).toEqual(end.slice(end.length - shown.length));
        if (document.at(-1) !== undefined && document.at(-1) !== '') expect(shown).not.toEqual([]);
      }
      world.painter.renderNow(true);
      const document = world.layout.components.flatMap((component) => component.lines);
      expect(withoutEmptyEnd([...world.output.scrolledOff, ...world.output.screen])).toEqual(withoutEmptyEnd(document));
    }),
    { numRuns: 400 },
  );
});

test('what only grows at its end stands whole in what scrolled off, in order', () => {
  using world = paintOn(4);
  const expected: string[] = [];
  for (let part = 0; part < 30; part += 1) {
    const added = [`part ${part}`, `  of ${part}`];
    expected.push(...added);
    world.layout.components.push(new Fixed(added));
    world.painter.renderNow();
  }
  expect([...world.output.scrolledOff, ...world.output.screen]).toEqual(expected);
});

test('a component that gives the same lines is not looked into, and nothing is written for it', () => {
  using world = paintOn(6);
  world.layout.components.push(...Array.from({ length: 1000 }, (_, index) => new Fixed([`line ${index}`])));
  world.painter.renderNow();
  const before = world.output.writableLength;
  let bytes = 0;
  const write = world.output._write.bind(world.output);
  world.output._write = (chunk, encoding, done) => {
    bytes += chunk.length;
    write(chunk, encoding, done);
  };
  const last = world.layout.components.at(-1);
  if (last !== undefined) last.lines = ['another'];
  world.painter.renderNow();
  expect(before).toBe(0);
  expect(bytes).toBeLessThan(100);
  expect(world.output.screen.at(-1)).toBe('another');
});

function withoutEmptyEnd(rows: readonly string[]): readonly string[] {
  return rows.slice(0, rows.findLastIndex((row) => row !== '') + 1);
}
