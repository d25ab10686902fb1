// Written anew: the `util` package on npm stops at ES5 (no Map, Set, class names, private `colors` defaults).

export interface InspectOptions {
  readonly depth?: number | null;
  readonly colors?: boolean;
  readonly showHidden?: boolean;
  readonly compact?: boolean | number;
  readonly breakLength?: number;
  readonly maxArrayLength?: number | null;
  readonly maxStringLength?: number | null;
  readonly sorted?: boolean | ((a: string, b: string) => number);
  readonly getters?: boolean;
  readonly customInspect?: boolean;
}

interface State extends InspectOptions {
  readonly seen: object[];
  /** Objects that contain themselves, numbered as they are found. */
  readonly circular: Map<object, number>;
  /** Columns already used by indentation. */
  indent: number;
  /** Depth of the object formatted last: an object of few levels goes on one line. */
  deepest: number;
}

type Styled = 'number' | 'bigint' | 'boolean' | 'undefined' | 'null' | 'string' | 'symbol' | 'special' | 'date' | 'regexp' | 'module' | 'name';

const custom = Symbol.for('nodejs.util.inspect.custom');
const colorOf: Partial<Record<Styled, readonly [number, number]>> = {
  number: [33, 39],
  bigint: [33, 39],
  boolean: [33, 39],
  undefined: [90, 39],
  null: [1, 22],
  string: [32, 39],
  symbol: [32, 39],
  special: [36, 39],
  date: [35, 39],
  regexp: [31, 39],
  module: [4, 24],
};

/** Prints a value as Node's `util.inspect` does. */
export function inspect(value: unknown, options: InspectOptions | boolean = {}, depth?: number | null, colors?: boolean): string {
  const given = typeof options === 'boolean' ? { showHidden: options, depth, colors } : options;
  const defined = Object.fromEntries(Object.entries(given).filter(([, setting]) => setting !== undefined));
  const state: State = { ...inspect.defaultOptions, ...defined, seen: [], circular: new Map(), indent: 0, deepest: 0 };
  return formatValue(state, value, 0, true);
}

inspect.custom = custom;
inspect.defaultOptions = {
  depth: 2,
  colors: false,
  showHidden: false,
  compact: 3,
  breakLength: 80,
  maxArrayLength: 100,
  maxStringLength: 10_000,
  sorted: false,
  getters: false,
  customInspect: true,
} as InspectOptions;
inspect.colors = {
  reset: [0, 0],
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  blink: [5, 25],
  inverse: [7, 27],
  hidden: [8, 28],
  strikethrough: [9, 29],
  doubleunderline: [21, 24],
  black: [30, 39],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  white: [37, 39],
  gray: [90, 39],
  grey: [90, 39],
  redBright: [91, 39],
  greenBright: [92, 39],
  yellowBright: [93, 39],
  blueBright: [94, 39],
  magentaBright: [95, 39],
  cyanBright: [96, 39],
  whiteBright: [97, 39],
  bgBlack: [40, 49],
  bgRed: [41, 49],
  bgGreen: [42, 49],
  bgYellow: [43, 49],
  bgBlue: [44, 49],
  bgMagenta: [45, 49],
  bgCyan: [46, 49],
  bgWhite: [47, 49],
  bgGray: [100, 49],
} as Record<string, readonly [number, number]>;
inspect.styles = {
  number: 'yellow',
  bigint: 'yellow',
  boolean: 'yellow',
  undefined: 'grey',
  null: 'bold',
  string: 'green',
  symbol: 'green',
  special: 'cyan',
  date: 'magenta',
  regexp: 'red',
  module: 'underline',
} as Record<string, string>;

/** Prints arguments as `console.log` does, with `%s %d %i %f %j %o %O %c %%`. */
export function format(...args: readonly unknown[]): string {
  return formatWithOptions({}, ...args);
}

/** As {@link format}, with options for what is inspected. */
export function formatWithOptions(options: InspectOptions, ...args: readonly unknown[]): string {
  const [first, ...rest] = args;
  const parts: string[] = [];
  let remaining = args;
  if (typeof first === 'string') {
    if (rest.length === 0) return first;
    let used = 0;
    parts.push(
      first.replaceAll(/%[sdifjoOc%]/g, (mark) => {
        if (mark === '%%') return '%';
        if (used >= rest.length) return mark;
        return formatMark(mark, rest[used++], options);
      }),
    );
    remaining = rest.slice(used);
  }
  for (const value of remaining) parts.push(typeof value === 'string' ? value : inspect(value, options));
  return parts.join(' ');
}

function formatMark(mark: string, value: unknown, options: InspectOptions): string {
  switch (mark) {
    case '%s':
      if (typeof value === 'bigint') return `${value}n`;
      if (Object.is(value, -0)) return '-0';
      if (typeof value === 'object' && value !== null && !hasOwnToString(value)) return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
      return String(value);
    case '%d':
      return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' || typeof value === 'object' ? 'NaN' : numberText(Number(value));
    case '%i':
      return typeof value === 'bigint'
        ? `${value}n`
        : typeof value === 'symbol' || typeof value === 'object'
          ? 'NaN'
          : numberText(Number.parseInt(String(value), 10));
    case '%f':
      return typeof value === 'symbol' ? 'NaN' : numberText(Number.parseFloat(String(value)));
    case '%j':
      try {
        return String(JSON.stringify(value));
      } catch (error) {
        if (error instanceof TypeError && error.message.includes('circular')) return '[Circular]';
        throw error;
      }
    case '%o':
      return inspect(value, { ...options, showHidden: true, depth: 4 });
    case '%O':
      return inspect(value, options);
    default:
      return '';
  }
}

function hasOwnToString(value: object): boolean {
  if (value instanceof Error || value instanceof Date) return true;
  const method: unknown = Reflect.get(value, 'toString');
  return typeof method === 'function' && method !== Object.prototype.toString && method !== Array.prototype.toString;
}

function formatValue(state: State, value: unknown, depth: number, typed = false): string {
  if (typeof value !== 'object' && typeof value !== 'function') return formatPrimitive(state, value, typed);
  if (value === null) return paint(state, 'null', 'null');
  if (state.customInspect !== false) {
    const printed = callCustom(state, value, depth);
    if (printed !== undefined) return printed;
  }
  if (state.seen.includes(value)) {
    const known = state.circular.get(value) ?? state.circular.size + 1;
    state.circular.set(value, known);
    return paint(state, `[Circular *${known}]`, 'special');
  }
  return formatObject(state, value, depth);
}

function callCustom(state: State, value: object, depth: number): string | undefined {
  const method: unknown = Reflect.get(value, custom);
  if (typeof method !== 'function' || method === inspect) return undefined;
  const left = state.depth === null || state.depth === undefined ? state.depth : state.depth - depth;
  const { seen: _seen, circular: _circular, indent: _indent, deepest: _deepest, ...options } = state;
  const result: unknown = method.call(value, left, { ...options, depth: left, stylize: (text: string, style: Styled) => paint(state, text, style) }, inspect);
  if (result === value) return undefined;
  return typeof result === 'string' ? result.replaceAll('\n', `\n${' '.repeat(state.indent)}`) : formatValue(state, result, depth);
}

function formatPrimitive(state: State, value: unknown, typed: boolean): string {
  switch (typeof value) {
    case 'string': {
      const most = state.maxStringLength ?? Infinity;
      const shown = value.length > most ? value.slice(0, most) : value;
      const more = value.length > most ? `... ${value.length - most} more character${value.length - most > 1 ? 's' : ''}` : '';
      if (typed || state.compact === true || value.length <= 16 || value.length <= (state.breakLength ?? 80) - state.indent - 4)
        return paint(state, quote(shown), 'string') + more;
      return (
        shown
          .split(/(?<=\n)/)
          .map((line) => paint(state, quote(line), 'string'))
          .join(` +\n${' '.repeat(state.indent + 2)}`) + more
      );
    }
    case 'number':
      return paint(state, numberText(value), 'number');
    case 'bigint':
      return paint(state, `${value}n`, 'bigint');
    case 'boolean':
      return paint(state, String(value), 'boolean');
    case 'symbol':
      return paint(state, String(value), 'symbol');
    default:
      return paint(state, 'undefined', 'undefined');
  }
}

function quote(text: string): string {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') && !text.includes('${') ? '`' : "'";
  // oxlint-disable-next-line no-control-regex -- control characters are what has to be escaped
  const escaped = text.replaceAll(/[\\\x00-\x1f\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, (char) => {
    const short = { '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\b': '\\b', '\f': '\\f', '\v': '\\v' }[char];
    const code = char.charCodeAt(0);
    return short ?? (code > 0xff ? `\\u${code.toString(16).toUpperCase()}` : `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`);
  });
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function paint(state: InspectOptions, text: string, style: Styled): string {
  const color = state.colors ? colorOf[style] : undefined;
  return color === undefined ? text : `\u001b[${color[0]}m${text}\u001b[${color[1]}m`;
}

/** How one object prints. */
interface Shape {
  readonly base: string;
  readonly braces: readonly [string, string];
  readonly entries: () => string[];
  readonly keys: readonly (string | symbol)[];
  readonly isList?: boolean;
  /** `base` says it all when there are no keys. */
  readonly isBare?: boolean;
}

function formatObject(state: State, value: object, depth: number): string {
  const shape = describe(state, value, depth);
  if (shape.isBare && shape.keys.length === 0) return shape.base;
  if (state.depth !== null && state.depth !== undefined && depth > state.depth) {
    return paint(state, `[${constructorName(value) ?? 'Object: null prototype'}]`, 'special');
  }
  state.seen.push(value);
  state.deepest = depth;
  let parts: string[];
  state.indent += 2;
  try {
    parts = [...shape.entries(), ...shape.keys.map((key) => formatProperty(state, value, key, depth))];
  } finally {
    state.indent -= 2;
    state.seen.pop();
  }
  if (state.sorted && !shape.isList) parts.sort(typeof state.sorted === 'function' ? state.sorted : undefined);
  const reference = state.circular.get(value);
  const mark = reference === undefined ? '' : `${paint(state, `<ref *${reference}>`, 'special')} `;
  return mark + join(state, shape, parts, depth);
}

function join(state: State, shape: Shape, parts: readonly string[], depth: number): string {
  const [open, close] = shape.braces;
  const base = shape.base === '' ? '' : `${shape.base} `;
  if (parts.length === 0) return `${base}${open}${close}`;
  const width = state.breakLength ?? 80;
  const plain = parts.map((part) => (state.colors ? part.replaceAll(/\u001b\[\d+m/g, '') : part));
  const fewLevels = typeof state.compact === 'number' ? state.deepest - depth < state.compact : state.compact === true;
  const short = plain.reduce((sum, part) => sum + part.length + 1, 0) + parts.length + state.indent + open.length + shape.base.length + 10;
  if (fewLevels && short <= width && !plain.some((part) => part.includes('\n')) && !(shape.isList && parts.length > 6))
    return `${base}${open} ${parts.join(', ')} ${close}`;
  const lineStart = `\n${' '.repeat(state.indent + 2)}`;
  const rows = shape.isList && parts.length > 6 && !plain.some((part) => part.includes('\n')) ? fillLines(parts, plain, width - state.indent - 4) : parts;
  return `${base}${open}${lineStart}${rows.join(`,${lineStart}`)}\n${' '.repeat(state.indent)}${close}`;
}

/** Several short list entries share a line. */
function fillLines(parts: readonly string[], plain: readonly string[], width: number): string[] {
  const rows: string[] = [];
  let used = Infinity;
  for (const [index, part] of parts.entries()) {
    const length = plain[index]?.length ?? 0;
    if (used + length + 2 > width) {
      rows.push(part);
      used = length;
    } else {
      rows[rows.length - 1] += `, ${part}`;
      used += length + 2;
    }
  }
  return rows;
}

function describe(state: State, value: object, depth: number): Shape {
  const keys = ownKeys(state, value);
  const name = constructorName(value);
  const tag = tagOf(value, name);
  const prefix = (fallback: string, size?: number) => {
    const sized = size === undefined ? '' : `(${size})`;
    return name === null ? `[${fallback}${sized}: null prototype]${tag}` : `${name}${sized}${tag}`;
  };
  const none = () => [];
  if (Array.isArray(value)) {
    const base = name === 'Array' && tag === '' ? '' : prefix('Array', value.length);
    return { base, braces: ['[', ']'], keys: keys.filter((key) => !isIndex(key)), isList: true, entries: () => listEntries(state, value, depth) };
  }
  if (value instanceof Set)
    return {
      base: prefix('Set', value.size),
      braces: ['{', '}'],
      keys,
      isList: true,
      entries: () =>
        limited(
          state,
          [...value].map((item) => formatValue(state, item, depth + 1)),
        ),
    };
  if (value instanceof Map) {
    return {
      base: prefix('Map', value.size),
      braces: ['{', '}'],
      keys,
      entries: () =>
        limited(
          state,
          [...value].map(([key, item]) => `${formatValue(state, key, depth + 1)} => ${formatValue(state, item, depth + 1)}`),
        ),
    };
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = [...(value as Uint8Array)];
    if (name === 'Buffer') return { base: bufferText(items), braces: ['{', '}'], keys: [], isBare: true, entries: none };
    return {
      base: prefix('TypedArray', items.length),
      braces: ['[', ']'],
      keys: keys.filter((key) => !isIndex(key)),
      isList: true,
      entries: () => listEntries(state, items, depth),
    };
  }
  if (value instanceof ArrayBuffer) {
    const bytes = [...new Uint8Array(value, 0, Math.min(50, value.byteLength))].map((byte) => byte.toString(16).padStart(2, '0'));
    return {
      base: prefix('ArrayBuffer'),
      braces: ['{', '}'],
      keys,
      entries: () => [
        `[Uint8Contents]: <${bytes.join(' ')}${value.byteLength > 50 ? ' ...' : ''}>`,
        `byteLength: ${paint(state, String(value.byteLength), 'number')}`,
      ],
    };
  }
  if (typeof value === 'function') return { base: paint(state, functionText(value, name), 'special'), braces: ['{', '}'], keys, isBare: true, entries: none };
  if (value instanceof RegExp)
    return { base: paint(state, RegExp.prototype.toString.call(value), 'regexp'), braces: ['{', '}'], keys, isBare: true, entries: none };
  if (value instanceof Date)
    return {
      base: paint(state, Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString(), 'date'),
      braces: ['{', '}'],
      keys,
      isBare: true,
      entries: none,
    };
  if (value instanceof Error) return describeError(state, value, keys, depth);
  if (value instanceof Promise) return { base: prefix('Promise'), braces: ['{', '}'], keys, entries: () => [paint(state, '<state unknown>', 'special')] };
  if (value instanceof WeakMap || value instanceof WeakSet)
    return { base: prefix('Weak'), braces: ['{', '}'], keys, entries: () => [paint(state, '<items unknown>', 'special')] };
  for (const [type, label] of [
    [Number, 'Number'],
    [String, 'String'],
    [Boolean, 'Boolean'],
    [Symbol, 'Symbol'],
    [BigInt, 'BigInt'],
  ] as const) {
    if (value instanceof type)
      return {
        base: paint(state, `[${label}: ${formatPrimitive({ ...state, colors: false }, value.valueOf(), true)}]`, 'special'),
        braces: ['{', '}'],
        keys: label === 'String' ? keys.filter((key) => !isIndex(key)) : keys,
        isBare: true,
        entries: none,
      };
  }
  if (tag === '' && name === 'Object') return { base: isArguments(value) ? '[Arguments]' : '', braces: ['{', '}'], keys, entries: none };
  return { base: '', braces: [`${prefix('Object')} {`, '}'], keys, entries: none };
}

function bufferText(items: readonly number[]): string {
  const shown = items
    .slice(0, 50)
    .map((byte) => ` ${byte.toString(16).padStart(2, '0')}`)
    .join('');
  return `<Buffer${shown}${items.length > 50 ? ` ... ${items.length - 50} more bytes` : ''}>`;
}

function describeError(state: State, error: Error, keys: readonly (string | symbol)[], depth: number): Shape {
  const stack = typeof error.stack === 'string' && error.stack !== '' ? error.stack : `[${String(error)}]`;
  const shown = keys.filter((key) => key !== 'stack' && key !== 'message');
  const hidden = (['cause', 'errors'] as const).filter((key) => Object.hasOwn(error, key) && !shown.includes(key));
  const indented = stack.replaceAll('\n', `\n${' '.repeat(state.indent)}`);
  if (hidden.length === 0) return { base: indented, braces: ['{', '}'], keys: shown, isBare: true, entries: () => [] };
  return {
    base: '',
    braces: [`${indented} {`, '}'],
    keys: shown,
    entries: () => hidden.map((key) => `[${key}]: ${formatValue(state, Reflect.get(error, key), depth + 1)}`),
  };
}

function listEntries(state: State, items: readonly unknown[], depth: number): string[] {
  const most = state.maxArrayLength ?? Infinity;
  const parts: string[] = [];
  let index = 0;
  for (; index < items.length && parts.length < most; index++) {
    if (Object.hasOwn(items, index)) {
      parts.push(formatValue(state, items[index], depth + 1));
      continue;
    }
    const from = index;
    while (index + 1 < items.length && !Object.hasOwn(items, index + 1)) index++;
    const holes = index - from + 1;
    parts.push(paint(state, `<${holes} empty item${holes > 1 ? 's' : ''}>`, 'undefined'));
  }
  return withRest(parts, items.length - index);
}

function limited(state: State, parts: string[]): string[] {
  const most = state.maxArrayLength ?? Infinity;
  return parts.length > most ? withRest(parts.slice(0, most), parts.length - most) : parts;
}

function withRest(parts: string[], left: number): string[] {
  return left > 0 ? [...parts, `... ${left} more item${left > 1 ? 's' : ''}`] : parts;
}

function formatProperty(state: State, value: object, key: string | symbol, depth: number): string {
  const property = Object.getOwnPropertyDescriptor(value, key) ?? { value: Reflect.get(value, key), enumerable: true };
  const name = typeof key === 'symbol' ? paint(state, String(key), 'symbol') : /^[A-Za-z_$][\w$]*$/.test(key) ? key : paint(state, quote(key), 'string');
  const label = property.enumerable ? name : `[${name}]`;
  if (property.get !== undefined || property.set !== undefined) {
    const kind = property.get === undefined ? '[Setter]' : property.set === undefined ? '[Getter]' : '[Getter/Setter]';
    return `${label}: ${paint(state, kind, 'special')}`;
  }
  return `${label}: ${formatValue(state, property.value, depth + 1)}`;
}

function ownKeys(state: State, value: object): (string | symbol)[] {
  if (state.showHidden)
    return Reflect.ownKeys(value).filter(
      (key) => !(typeof value === 'function' && ['length', 'name', 'prototype', 'arguments', 'caller'].includes(String(key))),
    );
  return Reflect.ownKeys(value).filter((key) => Object.getOwnPropertyDescriptor(value, key)?.enumerable === true);
}

function isIndex(key: string | symbol): boolean {
  return typeof key === 'string' && /^(?:0|[1-9]\d*)$/.test(key);
}

function isArguments(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Arguments]';
}

function constructorName(value: object): string | null {
  for (let holder: object | null = value; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const found = Object.getOwnPropertyDescriptor(holder, 'constructor');
    if (typeof found?.value === 'function' && found.value.name !== '') return found.value.name;
  }
  return null;
}

function tagOf(value: object, name: string | null): string {
  const tag: unknown = Reflect.get(value, Symbol.toStringTag);
  if (typeof tag !== 'string' || tag === '' || tag === name) return '';
  // Typed arrays, promises and the like carry the name of their kind as a tag already.
  return name !== null && (ArrayBuffer.isView(value) || name.endsWith(tag)) ? '' : ` [${tag}]`;
}

function functionText(value: Function, name: string | null): string {
  const source = Function.prototype.toString.call(value);
  if (source.startsWith('class')) {
    const parent: unknown = Object.getPrototypeOf(value);
    const heritage = typeof parent === 'function' && parent.name !== '' ? ` extends ${parent.name}` : '';
    return `[class ${value.name || '(anonymous)'}${heritage}]`;
  }
  return `[${name ?? 'Function'}${value.name === '' ? ' (anonymous)' : `: ${value.name}`}]`;
}
