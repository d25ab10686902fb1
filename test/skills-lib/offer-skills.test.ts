import { describe, expect, it } from 'vitest';
import { type FoundSkill, indexSkills, offerSkills, parseSkill, stem } from '../../skills-lib/index.ts';

function skill(name: string, description: string, { origin = 'user', extra = '', body = '' } = {}): FoundSkill {
  const read = parseSkill(`---\nname: ${name}\ndescription: ${description}\n${extra}---\n${body}`, `/s/${name}/SKILL.md`);
  if (read.skill === undefined) throw new Error('no skill');
  return { ...read.skill, origin };
}

const many = Array.from({ length: 60 }, (_, at) => skill(`filler-${at}`, `Explains topic ${at} of many, at some length. ${'word '.repeat(60)}`));
const pdf = skill('pdf-forms', 'Fills in forms of PDF documents.');

describe('the skills a turn is offered', () => {
  it('are all of them below the budget', () => {
    const offered = offerSkills([pdf, many[0] ?? pdf]);
    expect(offered.complete).toBe(true);
    expect(offered.catalog('anything')).toMatch(/pdf-forms[^]*filler-0/);
  });

  it('are the fitting and the pinned ones above it, and the text says how to find the others', () => {
    const offered = offerSkills([...many, pdf], { budget: 1000, pinned: ['filler-7'] });
    const catalog = offered.catalog('fill the forms in this document');
    expect(offered.complete).toBe(false);
    expect(catalog).toContain('<name>pdf-forms</name>');
    expect(catalog).toContain('<name>filler-7</name>');
    expect(catalog).toContain('of 61 skills; `find_skill`');
    expect(catalog.length).toBeLessThan(1000 * 4 + 1500);
  });

  it('leave out what only the user may start', () => {
    const quiet = skill('quiet', 'Fills in forms.', { extra: 'disable-model-invocation: true\n' });
    const offered = offerSkills([quiet, ...many, pdf], { budget: 1000, pinned: ['quiet'] });
    expect(offered.catalog('forms')).not.toContain('<name>quiet</name>');
    expect(offered.find('forms', 5).map(({ name }) => name)).toEqual(['pdf-forms']);
  });

  it('cannot all be of one package', () => {
    const greedy = Array.from({ length: 30 }, (_, at) => skill(`greedy-${at}`, 'Fills in forms of PDF documents.', { origin: 'greedy' }));
    const catalog = offerSkills([...greedy, ...many, pdf], { budget: 2000, pinned: [] }).catalog('pdf forms');
    expect(catalog.match(/<origin>greedy/g)).toHaveLength(5);
    expect(catalog).toContain('<name>pdf-forms</name>');
  });
});

describe('the index of skills', () => {
  it('ranks a name above a body, and finds nothing where no word is shared', () => {
    const index = indexSkills([skill('other', 'Does other things.', { body: 'invoice invoice' }), skill('invoice-maker', 'Writes bills.')]);
    expect(index.find('an invoice', 5).map(({ skill: { name } }) => name)).toEqual(['invoice-maker', 'other']);
    expect(index.find('zebra', 5)).toEqual([]);
    expect(index.find('', 5)).toEqual([]);
    expect(indexSkills([]).find('anything', 5)).toEqual([]);
  });

  it('gains nothing from a word that is repeated without end', () => {
    const honest = skill('honest', 'Converts video files.', { body: 'video '.repeat(12) });
    const stuffed = skill('stuffed', 'Converts files.', { body: 'video '.repeat(500) });
    expect(indexSkills([stuffed, honest]).find('video', 2)[0]?.skill.name).toBe('honest');
  });

  it('takes words with names of object members for words', () => {
    expect(indexSkills([skill('constructor', 'Has __proto__ and toString.')]).find('constructor proto', 1)).toHaveLength(1);
  });

  it.each([
    [['modernise', 'modernize', 'modernization', 'modernizing'], 'moderniz'],
    [['queries', 'query'], 'query'],
    [['running', 'runs', 'run'], 'run'],
    [['sqs', 'c', 'es'], undefined],
  ])('sees %j as one word or as several', (forms, root) => {
    const stems = new Set(forms.map(stem));
    if (root === undefined) expect(stems.size).toBe(forms.length);
    else expect([stems.size, [...stems][0]?.startsWith(root)]).toEqual([1, true]);
  });
});
