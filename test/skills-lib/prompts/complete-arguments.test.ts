import { describe, expect, it } from 'vitest';
import { completeArguments, parsePrompt, parseSkill } from '../../../skills-lib/index.ts';

const complete = (argumentHint: string, typed: string, body = '') => completeArguments({ argumentHint, body }, typed);
const values = (...args: Parameters<typeof complete>) => complete(...args).map(({ value }) => value);

describe('what could be typed after a template', () => {
  it.each([
    ['<add|remove> [name]', '', ['add', 'remove']],
    ['<add|remove> [name]', 're', ['remove']],
    ['<add|remove> [name]', 'remove ', []],
    ['[file] <fast | slow>', '"a b" f', ['"a b" fast']],
    ['add [tag] | remove [tag] | list', '', ['add', 'remove', 'list']],
    ['[show | new <name>] — e.g. /x show', '', ['show', 'new']],
    ['[model=small|large] [mode=plan|edit]', 'model=large m', ['model=large mode=plan', 'model=large mode=edit']],
    ['component type(ui|feature)', 'Button u', ['Button ui']],
    ['[--dry-run] <up|down>', '', ['up', 'down', '--dry-run']],
    ['[--dry-run] <up|down>', '--dry-run ', ['--dry-run up', '--dry-run down']],
    ['[--level fast | slow] <up|down>', '--level s', ['--level slow']],
    ['[--level fast|slow] <up|down>', '--level fast u', ['--level fast up']],
    ['[--area <name>] [--areas | --all]', '--a', ['--area', '--areas', '--all']],
    ['[--area <name>]', '--area ', []],
    ['[focus]', '', []],
    ['File, package, or module to migrate', '', []],
    ['', 'x', []],
  ])('%j takes %j on to %j', (hint, typed, expected) => {
    expect(values(hint, typed)).toEqual(expected);
  });

  it('is what a template takes when nothing is given', () => {
    const body = 'Review ${1:-the branch} for ${2:-bugs}, then ${1:-other}. ${3:-' + 'x'.repeat(100) + '}';
    expect(complete('', '', body)).toEqual([{ value: '"the branch"', label: 'the branch', description: 'default' }]);
    expect(values('', '"the', body)).toEqual(['"the branch"']);
    expect(values('', 'main b', body)).toEqual(['main bugs']);
    expect(values('', 'main bugs ', body)).toEqual([]);
    expect(complete('<bugs|tests>', '', '${1:-tests}')).toEqual([
      { value: 'bugs', label: 'bugs' },
      { value: 'tests', label: 'tests', description: 'default' },
    ]);
    expect(values('', '', 'Focus on ${@:-everything}')).toEqual(['everything']);
  });

  it('offers nothing that a terminal or an editor would take for something else', () => {
    expect(values('<a\u202Eb|c\u001B[2Jd|ok>', '')).toEqual(['ok']);
    expect(values('', '', '${1:-a\nb}${2:-x}')).toEqual([]);
    expect(values(`<${'a|'.repeat(5000)}b>`, '').length).toBeLessThanOrEqual(50);
  });

  it('takes hints as other clients write them, without quotes', () => {
    const hint = (line: string) => parsePrompt(`---\nargument-hint: ${line}\n---\nx`, 'p.md').argumentHint;
    expect(hint('[pr-number] [priority]')).toBe('[pr-number] [priority]');
    expect(hint('[file]')).toBe('[file]');
    expect(hint('[when: today]')).toBe('[when: today]');
    expect(hint('"[file]"')).toBe('[file]');
    const skill = (line: string) => parseSkill(`---\nname: a\ndescription: b\nargument-hint: ${line}\n---\n`, 'a/SKILL.md').skill;
    expect(skill('[a|b] [c]')?.argumentHint).toBe('[a|b] [c]');
    expect(skill('[a, b]')?.argumentHint).toBe('[a, b]');
  });
});
