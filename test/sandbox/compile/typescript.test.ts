import { describe, expect, it } from 'vitest';
import { extensionOf, openFixture } from '../../support/sandbox-fixture.ts';

interface Syntax {
  readonly file: string;
  /** A module that exports `value()`, which gives JSON, and `fail()`, which throws at the line that says so. */
  readonly source: string;
  readonly expected: unknown;
}

const syntaxes: Readonly<Record<string, Syntax>> = {
  enums: {
    file: 'enums.ts',
    source: `export enum Level { Low = 1, High = Low << 4, Next }
export enum Name { A = 'a', B = \`b\` }
const words = { four: 4 };
enum Computed { X = words.four, Y = 'abc'.length }
export const value = () => [Level.High, Level[16], Level.Next, Object.keys(Level), Name.B, Computed.Y, Computed[4]];
export function fail(level: Level = Level.Low): void {
  throw new Error(Level[level]); // here
}
`,
    expected: [16, 'High', 17, ['1', '16', '17', 'Low', 'High', 'Next'], 'b', 3, 'X'],
  },
  'const enums, of the file itself and of another': {
    file: 'const-enums.ts',
    source: `import { Shared } from './shared.ts';
const enum Own { One = 1, Two = One + 1 }
declare const enum Ambient { Three = 3 }
export const value = () => [Own.Two, Own['One'], Shared.Left, Shared.Right];
export function fail(): never {
  const own = Own.Two;
  throw new Error(String(own + Shared.Right)); // here
}
`,
    expected: [2, 1, 'left', 8],
  },
  'parameter properties and members': {
    file: 'parameters.ts',
    source: `abstract class Shape<const T extends string> {
  declare readonly kind: T;
  static count = 0;
  static { Shape.count += 40; }
  #secret = 1;
  accessor size = 2;
  constructor(protected readonly name: T, public width: number = 3, private override?: boolean) { Shape.count++; }
  abstract area(): number;
  get secret(): number { return this.#secret; }
}
class Square extends Shape<'square'> {
  constructor(width?: number) { super('square', width); }
  override area(): number { return this.width ** 2; }
  fail(this: this & { missing?: { deep: number } }): number {
    return this.missing!.deep; // here
  }
}
export const value = () => { const square = new Square(); return [square.area(), Shape.count, square.secret, square.size, Object.keys(square)]; };
export const fail = () => new Square().fail();
`,
    expected: [9, 41, 1, 2, ['name', 'width', 'override']],
  },
  namespaces: {
    file: 'namespaces.ts',
    source: `export namespace Outer {
  export const one = 1;
  export namespace Inner.Deep { export const two = one + 1; export function sum(): number { return one + two; } }
}
function callable() { return 'called'; }
namespace callable { export const attached = 'attached'; }
import Deep = Outer.Inner.Deep;
export const value = () => [Outer.one, Deep.two, Deep.sum(), callable(), callable.attached];
export namespace Broken {
  export const fail = () => {
    throw new Error('broken'); // here
  };
}
export const fail = Broken.fail;
`,
    expected: [1, 2, 3, 'called', 'attached'],
  },
  'types that vanish': {
    file: 'types.ts',
    source: `import type { Later } from './nowhere.ts';
import { type Ghost, Shared } from './shared.ts';
export type { Later } from './nowhere.ts';
export interface Point<in out T = unknown> { readonly x: T }
function over(x: string): string;
function over(x: number): string;
function over(x: unknown): string { return typeof x; }
const point = { x: 1 } satisfies Point<number> as const;
const ghost = <Ghost>(<unknown>'ghost');
function assert(x: unknown): asserts x is string { if (typeof x !== 'string') throw new TypeError('no string'); /* here */ }
export const value = (): unknown => [over(1), point.x!, ghost, Shared.Left, (null as Later | null) ?? 'nothing'];
export const fail = () => assert(1);
`,
    expected: ['number', 1, 'ghost', 'left', 'nothing'],
  },
  'standard decorators': {
    file: 'decorators.ts',
    source: `const seen: string[] = [];
function logged<A extends unknown[], R>(method: (this: unknown, ...args: A) => R, context: ClassMethodDecoratorContext) {
  context.addInitializer(function () { seen.push('init ' + String(context.name)); });
  return function (this: unknown, ...args: A): R { seen.push('call'); return method.apply(this, args); };
}
const twice = (_: undefined, { kind }: ClassFieldDecoratorContext) => (initial: number) => { seen.push(kind); return initial * 2; };
const bound = <T extends new (...args: never[]) => object>(type: T, { name }: ClassDecoratorContext) => { seen.push('class ' + name); };
@bound class Counter {
  @twice count = 21;
  @logged up(by: number): number { return this.count + by; }
  @logged static fail(): void {
    throw new Error('decorated'); // here
  }
}
export const value = () => [new Counter().up(1), seen];
export const fail = () => Counter.fail();
`,
    expected: [43, ['class Counter', 'init fail', 'init up', 'field', 'call']],
  },
  JSX: {
    file: 'view.tsx',
    source: `/** @jsxRuntime classic @jsx h @jsxFrag Fragment */
const Fragment = 'fragment';
const h = (type: unknown, props: object | null, ...children: unknown[]): unknown => typeof type === 'function' ? type({ ...props, children }) : [type, props, ...children];
const Item = <T,>({ children }: { children: T[] }): unknown => h('item', null, ...children);
export const value = () => <><Item>{1} a</Item><b data-x="y" {...{ z: 1 }}>t</b></>;
function Broken(): unknown {
  throw new Error('view'); // here
}
export const fail = () => <Broken />;
`,
    expected: ['fragment', null, ['item', null, 1, ' a'], ['b', { 'data-x': 'y', z: 1 }, 't']],
  },
  'JSX with a runtime': {
    file: 'runtime.jsx',
    source: `/** @jsxImportSource view */
export const value = () => <p key="k">{'a'}<i/></p>;
export function fail() {
  return <p>{null.missing}</p>; // here
}
`,
    expected: ['p', { children: ['a', ['i', {}]] }, 'k'],
  },
  'explicit resource management and what else is newer than the engine': {
    file: 'resources.ts',
    source: `const seen: string[] = [];
const resource = (name: string) => ({ [Symbol.dispose]() { seen.push(name); }, async [Symbol.asyncDispose]() { seen.push('async ' + name); } });
export const value = async () => { { using a = resource('a'); await using b = resource('b'); seen.push('body'); } return [seen, /(?<y>\\d{4})|(?<y>x)/.exec('2026')?.groups?.y, [3, 1].toSorted(), Object.groupBy([1, 2], (n) => (n > 1 ? 'b' : 'a'))]; };
export const fail = async () => {
  using a = resource('a');
  await null;
  throw new Error('disposed'); // here
};
`,
    expected: [['body', 'async b', 'a'], '2026', [1, 3], { a: [1], b: [2] }],
  },
};

const shared = `export const enum Shared { Left = 'left', Right = 1 << 3 }\nexport type Ghost = string;\n`;
const runtime = `export const jsx = (type, props, key) => key === undefined ? [type, props] : [type, props, key];\nexport const jsxs = jsx;\nexport const Fragment = 'fragment';\n`;

function lineOf(source: string): number {
  return source.split('\n').findIndex((line) => /\/[/*] here/.test(line)) + 1;
}

describe('the syntax of TypeScript, compiled and run in an isolate', () => {
  it.each(Object.entries(syntaxes))('%s', async (_name, { file, source, expected }) => {
    const entry = extensionOf({ value: 'return JSON.stringify(await value())', fail: 'await fail()' }, `import { fail, value } from './src/${file}';`);
    await using fixture = await openFixture({
      files: { 'index.ts': entry, [`src/${file}`]: source, 'src/shared.ts': shared },
      packs: { view: { 'package.json': '{"exports":{"./jsx-runtime":"./jsx.mjs"}}', 'jsx.mjs': runtime } },
    });
    expect(JSON.parse(await fixture.text('value'))).toEqual(expected);
    expect(await fixture.call('fail')).toMatchObject({ isError: true, details: { where: { path: `src/${file}`, line: lineOf(source) } } });
  });
});

describe('what the package\u2019s tsconfig.json says of its syntax', () => {
  it('decorators of before the standard', async () => {
    const source = `const seen: unknown[] = [];
const injectable = (type: Function) => { seen.push('class', type.name); };
const inject = (key: string) => (_target: object, member: string | undefined, index: number) => { seen.push([key, member ?? 'constructor', index]); };
function logged(_target: object, name: string, descriptor: PropertyDescriptor): void {
  const method = descriptor.value;
  descriptor.value = function (...args: unknown[]) { seen.push(name); return method.apply(this, args); };
}
@injectable class Service {
  constructor(@inject('db') private readonly db: string) {}
  @logged ask(@inject('q') question: string): string { return this.db + question; }
  @logged fail(): void {
    throw new Error('legacy'); // here
  }
}
export const value = () => [new Service('a').ask('b'), seen];
export const fail = () => new Service('a').fail();
`;
    const entry = extensionOf({ value: 'return JSON.stringify(value())', fail: 'fail()' }, `import { fail, value } from './src/service.ts';`);
    await using fixture = await openFixture({
      files: {
        'index.ts': entry,
        'src/service.ts': source,
        'tsconfig.json': `{\n  // as its author builds it\n  "compilerOptions": { "experimentalDecorators": true, },\n}\n`,
      },
    });
    expect(JSON.parse(await fixture.text('value'))).toEqual(['ab', [['q', 'ask', 0], ['db', 'constructor', 0], 'class', 'Service', 'ask']]);
    expect(await fixture.call('fail')).toMatchObject({ isError: true, details: { where: { path: 'src/service.ts', line: lineOf(source) } } });
  });

  it('the factory of JSX', async () => {
    const view = `const h = (...parts: unknown[]) => parts;\nconst F = 'F';\nexport const view = () => <a><></></a>;\n`;
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({ value: 'return JSON.stringify(view())' }, `import { view } from './view.tsx';`),
        'view.tsx': view,
        'tsconfig.json': `{"compilerOptions":{"jsx":"react","jsxFactory":"h","jsxFragmentFactory":"F"}}`,
      },
    });
    expect(JSON.parse(await fixture.text('value'))).toEqual(['a', null, ['F', null]]);
  });

  it.each([
    ['is not read from outside the package', '{"extends":"../../../etc/tsconfig.json","compilerOptions":{"paths":{"*":["/etc/*"]},"baseUrl":"/"}}'],
    ['is no reason to refuse it when it cannot be read', '{"compilerOptions": nonsense'],
    [
      'may say nothing that is not about syntax',
      '{"compilerOptions":{"jsxFactory":"alert(1)","target":"es3","jsx":7,"verbatimModuleSyntax":true,"experimentalDecorators":"yes"}}',
    ],
  ])('%s', async (_name, tsconfig) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ value: `return 'works'` }), 'tsconfig.json': tsconfig } });
    expect(await fixture.text('value')).toBe('works');
  });
});
