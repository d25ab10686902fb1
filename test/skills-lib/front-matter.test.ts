import matter from 'gray-matter';
import { afterEach, describe, expect, it } from 'vitest';
import { parseFrontMatter, readFrontMatter } from '../../skills-lib/index.ts';

const globals: { PWNED?: boolean } = globalThis as { PWNED?: boolean };
afterEach(() => {
  delete globals.PWNED;
});

const payload = "{ name: (globalThis.PWNED = true, 'x') }";

describe('front matter', () => {
  it.each(['---js', '---javascript'])('never runs %s, which gray-matter by itself does', (opening) => {
    const text = `${opening}\n${payload}\n---\n`;
    matter(text);
    expect(globals.PWNED, 'the control arm executes').toBe(true);
    delete globals.PWNED;
    expect(() => parseFrontMatter(text, 'SKILL.md')).toThrow(/exactly/);
    expect(globals.PWNED).toBeUndefined();
  });

  const languages = [
    'js',
    'javascript',
    'JS',
    'Js',
    ' js',
    'json',
    'yaml',
    'yml',
    'toml',
    'coffee',
    'cson',
    'constructor',
    'toString',
    '__proto__',
    'hasOwnProperty',
    '\tjs',
    ' ',
    'é',
  ];
  it.each(languages)('refuses the language suffix %j, and never runs it', (language) => {
    const text = `---${language}\n${payload}\n---\n`;
    for (let twice = 0; twice < 2; twice++) expect(() => parseFrontMatter(text, 'SKILL.md')).toThrow(/exactly/);
    expect(globals.PWNED).toBeUndefined();
  });

  it.each([
    ['a line that gray-matter takes for the end', 'a: b\n---x\nc: d'],
    ['a key indented with a tab', 'metadata:\n\tname: x'],
    ['a merge key that reaches the prototype', '<<: {a: b}\n__proto__: &x {polluted: yes}\nb: *x'],
  ])('refuses %s', (_, block) => {
    expect(() => parseFrontMatter(`---\n${block}\n---\n`, 'SKILL.md')).toThrow(/front matter/);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('gives each caller a value of its own', () => {
    const text = '---\nname: a\nmetadata:\n  x: y\n---\n';
    const first = parseFrontMatter(text, 'SKILL.md');
    Reflect.set(first.data, 'name', 'changed');
    expect(parseFrontMatter(text, 'SKILL.md').data).toEqual({ name: 'a', metadata: { x: 'y' } });
  });

  it('takes a key without a value for an empty text, at any depth', () => {
    expect(parseFrontMatter('---\nname:\nmetadata:\n  a:\nlist:\n  -\n---\n', 'SKILL.md').data).toEqual({ name: '', metadata: { a: '' }, list: [''] });
  });

  it('keeps every scalar a string', () => {
    const { data } = parseFrontMatter('---\ntime: 1:30\ndate: 2020-01-01\nyes: no\nversion: 1.0\n---\n', 'SKILL.md');
    expect(data).toEqual({ time: '1:30', date: '2020-01-01', yes: 'no', version: '1.0' });
  });

  it.each([
    ['an alias of a mapping', 'a: &x {b: c}\nd: *x'],
    ['an alias of a scalar', 'a: &x b\nd: *x'],
    ['a tag', 'a: !!js/function "function () {}"'],
    ['a duplicate key', 'a: b\na: c'],
  ])('refuses %s', (_, block) => {
    expect(() => parseFrontMatter(`---\n${block}\n---\n`, 'SKILL.md')).toThrow(/front matter/);
  });

  it('refuses the same invalid text twice', () => {
    const text = '---\nname: [open\n---\n';
    expect(() => parseFrontMatter(text, 'SKILL.md')).toThrow(/YAML/);
    expect(() => parseFrontMatter(text, 'SKILL.md')).toThrow(/YAML/);
  });

  it('quotes a value with a colon, and says so', () => {
    expect(parseFrontMatter('---\ndescription: Use when: x\n---\nbody', 'SKILL.md')).toEqual({
      data: { description: 'Use when: x' },
      body: 'body',
      present: true,
      repaired: true,
    });
  });

  it('leaves a body alone that looks like front matter', () => {
    expect(parseFrontMatter('---\na: b\n---\n---js\nx\n---\n', 'SKILL.md').body).toBe('---js\nx\n---\n');
  });

  it('accepts CRLF and a byte order mark', () => {
    expect(parseFrontMatter('\uFEFF---\r\na: b\r\n---\r\nbody\r\n', 'SKILL.md')).toMatchObject({ data: { a: 'b' }, body: 'body\n' });
  });

  it.each([1_000, 5_000, 20_000])('answers for a value nested %i levels deep', (depth) => {
    expect(() => readFrontMatter(`---\na: ${'['.repeat(depth)}${']'.repeat(depth)}\n---\n`)).not.toThrow();
  });

  it('refuses more than 64 KB of front matter', () => {
    expect(() => parseFrontMatter(`---\na: ${'x'.repeat(70_000)}\n---\n`, 'SKILL.md')).toThrow(/larger than/);
  });
});

it('refuses front matter of blank lines, which the parser would take minutes for', () => {
  const blank = (lines: number) => readFrontMatter(`---\nname: a${'\n'.repeat(lines + 1)}description: b\n---\n`);
  expect(blank(200)).toMatchObject({ data: { name: 'a', description: 'b' } });
  expect(blank(60_000)).toMatchObject({ code: 'yaml', message: 'there are more than 200 blank lines in a row' });
});
