import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSkill, fixSkill, parseSkill } from '../../skills-lib/index.ts';

const at = '/skills/tidy/SKILL.md';

describe('fixSkill', () => {
  it('moves the fields of other clients under `metadata`, behind what stands there', () => {
    const text = [
      '---',
      'name: tidy',
      'version: 1.20 # of the skill',
      'description: Tidies up.',
      '"tags":',
      '- a',
      '- b',
      'metadata:',
      '    author: me',
      '    # kept',
      'requires: {bins: [git]}',
      'license: MIT',
      '---',
      'version: 3',
      '',
    ].join('\n');
    const fixed = fixSkill(text, at);
    expect(fixed).toEqual({
      text: [
        '---',
        'name: tidy',
        'description: Tidies up.',
        'metadata:',
        '    author: me',
        '    version: "1.20"',
        '    tags: "a, b"',
        '    requires: "{\\"bins\\":[\\"git\\"]}"',
        '    # kept',
        'license: MIT',
        '---',
        'version: 3',
        '',
      ].join('\n'),
      done: ['moved `version`, `tags`, `requires` under `metadata`'],
    });
    expect(checkSkill(fixed.text, at)).toMatchObject({ strict: true, diagnostics: [] });
  });

  it('quotes colons, takes away a byte order mark, and keeps the line ends of Windows', () => {
    const fixed = fixSkill('\uFEFF---\r\nname: tidy\r\ndescription: Use when: it is untidy\r\nversion: 2\r\n---\r\nBody\r\n', at);
    expect(fixed).toEqual({
      text: '---\r\nname: tidy\r\ndescription: "Use when: it is untidy"\r\nmetadata:\r\n  version: "2"\r\n---\r\nBody\r\n',
      done: ['took away the byte order mark', 'quoted `description`, which YAML reads otherwise', 'moved `version` under `metadata`'],
    });
    expect(checkSkill(fixed.text, at).strict).toBe(true);
  });

  it.each([
    ['a name that its directory does not have', '---\nname: other\ndescription: d\n---\n', 'other'],
    ['a name that no directory may have', '---\nname: Other Thing\ndescription: d\n---\n', undefined],
    ['a name that leads elsewhere', '---\nname: ../other\ndescription: d\n---\n', undefined],
    ['no name', '---\ndescription: d\n---\n', undefined],
  ])('says what the directory is to be called for %s', (_, text, directory) => {
    expect(fixSkill(text, at)).toEqual({ text, done: [], ...(directory !== undefined && { directory }) });
  });

  it.each([
    ['a value that `metadata` has otherwise', '---\nname: tidy\ndescription: d\nversion: 1\nmetadata: {version: 2}\n---\n'],
    ['`metadata` that maps nothing', '---\nname: tidy\ndescription: d\nversion: 1\nmetadata: words\n---\n'],
    ['front matter that cannot be read', '---\nname: [\nversion: 1\n---\n'],
    ['a file without front matter', '# Tidy\n\nversion: 1\n'],
  ])('leaves %s to the author', (_, text) => {
    expect(fixSkill(text, at)).toEqual({ text, done: [] });
  });

  it('changes nothing about who may start a skill', () => {
    const text = '---\nname: tidy\ndescription: d\ndisable-model-invocation: true\n---\n';
    const fixed = fixSkill(text, at);
    expect(fixed.done).toHaveLength(1);
    expect([text, fixed.text].map((one) => parseSkill(one, at).skill?.modelMayInvoke)).toEqual([false, false]);
  });

  it('is done after once, and never makes a readable skill unreadable', () => {
    const line = fc.constantFrom(
      'name: tidy',
      'description: a: b',
      'version: 1',
      'tags: [a,',
      'b]',
      '- x',
      '  y: z',
      'metadata:',
      'metadata: {a: b}',
      '"q": |',
      '# c',
      '',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const text = `---\n${lines.join('\n')}\n---\nBody\n`;
        const fixed = fixSkill(text, at);
        expect(fixSkill(fixed.text, at)).toMatchObject({ text: fixed.text, done: [] });
        expect(checkSkill(fixed.text, at).loadable).toBe(checkSkill(text, at).loadable);
        expect(fixed.text.endsWith('\n---\nBody\n')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
