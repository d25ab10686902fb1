import { DashError, type ErrorCode, type Where } from './dash-error.ts';

const MAX_DEPTH = 64;

/**
 * Reads JSON that somebody else wrote. A key that stands twice in one object is refused, because two readers would
 * see two different files; `__proto__` is an ordinary key of an ordinary property.
 *
 * @throws {DashError} `code` with line and column
 */
export function parseJson(text: string, path: string, code: ErrorCode): JsonDocument {
  const scanner = new Scanner(text.startsWith('\uFEFF') ? text.slice(1) : text, path, code);
  const value = scanner.document();
  return { value, where: (pointer) => scanner.where(pointer) };
}

/** A value and where each part of it stands; a pointer is an RFC 6901 one, e.g. `/dash/permissions/0`. */
export interface JsonDocument {
  readonly value: unknown;
  where(pointer: string): Where;
}

/** A reader of RFC 8259 and nothing more, kept because `JSON.parse` cannot tell of repeated keys. */
class Scanner {
  #at = 0;
  readonly #text: string;
  readonly #path: string;
  readonly #code: ErrorCode;
  readonly #offsets = new Map<string, number>();

  constructor(text: string, path: string, code: ErrorCode) {
    this.#text = text;
    this.#path = path;
    this.#code = code;
  }

  document(): unknown {
    const value = this.#value('', 0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('text after the end of the JSON value');
    return value;
  }

  /** The place of a part, or of the nearest part around it that exists. */
  where(pointer: string): Where {
    const offset = this.#offsets.get(pointer);
    if (offset === undefined && pointer !== '') return this.where(pointer.slice(0, pointer.lastIndexOf('/')));
    return this.#place(offset ?? 0);
  }

  #value(pointer: string, depth: number): unknown {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH}`);
    this.#space();
    if (!this.#offsets.has(pointer)) this.#offsets.set(pointer, this.#at);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(pointer, depth);
      case '[':
        return this.#array(pointer, depth);
      case '"':
        return this.#string();
      default:
        return this.#literal();
    }
  }

  #object(pointer: string, depth: number): unknown {
    const entries = new Map<string, unknown>();
    this.#at += 1;
    this.#space();
    if (this.#take('}')) return {};
    do {
      this.#space();
      const start = this.#at;
      if (this.#text[start] !== '"') this.#fail('a key in double quotes is missing');
      const key = this.#string();
      if (entries.has(key)) this.#fail(`the key \`${key}\` stands twice`, start);
      this.#space();
      if (!this.#take(':')) this.#fail('`:` is missing');
      const inner = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      this.#offsets.set(inner, start);
      entries.set(key, this.#value(inner, depth + 1));
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('`,` or `}` is missing');
    // fromEntries defines own properties, so a key `__proto__` stays data
    return Object.fromEntries(entries);
  }

  #array(pointer: string, depth: number): unknown[] {
    const values: unknown[] = [];
    this.#at += 1;
    this.#space();
    if (this.#take(']')) return values;
    do {
      values.push(this.#value(`${pointer}/${values.length}`, depth + 1));
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('`,` or `]` is missing');
    return values;
  }

  #string(): string {
    const start = this.#at;
    // oxlint-disable-next-line no-control-regex -- JSON forbids bare control characters in strings
    const match = this.#match(/"(?:[^"\\\u0000-\u001f]|\\.)*"/y);
    return match === undefined ? this.#fail('a string does not end', start) : this.#parsed(match, start);
  }

  #literal(): unknown {
    const start = this.#at;
    const match = this.#match(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    return match === undefined ? this.#fail('a value is missing', start) : JSON.parse(match);
  }

  #parsed(quoted: string, start: number): string {
    try {
      return String(JSON.parse(quoted));
    } catch {
      return this.#fail('an unknown escape in a string', start);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [match] = pattern.exec(this.#text) ?? [];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    this.#match(/[ \t\n\r]*/y);
  }

  #fail(why: string, at = this.#at): never {
    const where = this.#place(at);
    throw new DashError(this.#code, `\`${this.#path}\` is not valid JSON: ${why}`, { where, hint: `look at line ${where.line}, column ${where.column}` });
  }

  #place(offset: number): Where {
    const before = this.#text.slice(0, offset).split('\n');
    return { path: this.#path, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }
}
