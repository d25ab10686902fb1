import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { narrowResources, RESOURCE_KINDS, type Resources } from '../../format/index.ts';
import { type Choice, takeSkills, toggle } from '../../registry/index.ts';

const path = fc.stringMatching(/^[a-z*[{!+-][a-z*?\]}-]{0,3}(\/[a-z]{1,3})?\.(ts|md|json)$/);
const brought: fc.Arbitrary<Resources> = fc.uniqueArray(path, { minLength: 1, maxLength: 8 }).map((paths) => {
  const [extensions = [], skills = [], prompts = [], themes = []] = [0, 1, 2, 3].map((kind) => paths.filter((_, at) => at % 4 === kind));
  return { extensions, skills, prompts, themes };
});
const all = (resources: Resources) => RESOURCE_KINDS.flatMap((kind) => resources[kind]);

describe('what is switched on and off', () => {
  it('is exactly what was said last of each resource, whatever its path looks like', () => {
    fc.assert(
      fc.property(brought, fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 12 }), (resources, steps) => {
        const paths = all(resources);
        const off = new Set<string>();
        let choice: Choice = {};
        for (const [index, on] of steps) {
          const meant = paths[index % paths.length] ?? '';
          choice = toggle({ name: 'pkg', brought: resources, skills: [], choice }, meant, on);
          if (on) off.delete(meant);
          else off.add(meant);
        }
        expect(all(narrowResources(resources, choice.filter ?? {}))).toEqual(paths.filter((one) => !off.has(one)));
        expect(choice.filter === undefined).toBe(off.size === 0);
      }),
    );
  });

  it('keeps what was chosen for the parts while the whole package is off', () => {
    fc.assert(
      fc.property(brought, fc.nat(), (resources, index) => {
        const paths = all(resources);
        const pkg = { name: 'pkg', brought: resources, skills: [] };
        const one = toggle({ ...pkg, choice: {} }, paths[index % paths.length], false);
        const off = toggle({ ...pkg, choice: one }, undefined, false);
        expect(off).toEqual({ ...one, disabled: true });
        expect(toggle({ ...pkg, choice: off }, undefined, true)).toEqual(one);
      }),
    );
  });

  it('is never more than what a package brings, whatever settings say', () => {
    const pattern = fc.oneof(
      path,
      path.map((text) => `!${text}`),
      path.map((text) => `+${text}`),
      path.map((text) => `-${text}`),
      fc.constantFrom('*', '**', '!**', ''),
    );
    fc.assert(
      fc.property(brought, fc.array(pattern, { maxLength: 4 }), (resources, patterns) => {
        const narrowed = narrowResources(resources, { extensions: patterns, skills: patterns, prompts: patterns, themes: patterns });
        for (const kind of RESOURCE_KINDS) expect(resources[kind]).toEqual(expect.arrayContaining([...narrowed[kind]]));
      }),
    );
  });
});

describe('skills that are taken', () => {
  const pkg = {
    name: 'pkg',
    brought: { extensions: ['index.ts'], skills: ['skills/a/SKILL.md', 'skills/b/SKILL.md', 'other/b/SKILL.md'], prompts: ['p.md'], themes: [] },
    skills: [
      { path: 'skills/a/SKILL.md', name: 'first' },
      { path: 'skills/b/SKILL.md', name: 'b' },
      { path: 'other/b/SKILL.md', name: 'b' },
    ],
  };
  const kept = (choice: Choice, brought: Resources = pkg.brought) => all(narrowResources(brought, choice.filter ?? {}));
  const later = { ...pkg.brought, extensions: ['index.ts', 'new.ts'], skills: [...pkg.brought.skills, 'skills/new/SKILL.md'] };

  it('are all that is left of a package, of later versions, too', () => {
    const choice = takeSkills(pkg, ['first', 'skills/b']);
    expect(kept(choice)).toEqual(['skills/a/SKILL.md', 'skills/b/SKILL.md']);
    expect(kept(choice, later)).toEqual(['skills/a/SKILL.md', 'skills/b/SKILL.md']);
  });

  it('become more and fewer by name', () => {
    const taken = takeSkills(pkg, ['first']);
    const more = toggle({ ...pkg, choice: taken }, 'other/b', true);
    expect([kept(more), kept(more, later)]).toEqual([
      ['skills/a/SKILL.md', 'other/b/SKILL.md'],
      ['skills/a/SKILL.md', 'other/b/SKILL.md'],
    ]);
    expect(kept(toggle({ ...pkg, choice: more }, 'first', false), later)).toEqual(['other/b/SKILL.md']);
    expect(kept(toggle({ ...pkg, choice: more }, 'skills', true), later)).toEqual(later.skills);
  });

  it.each([
    ['b', '`pkg` has 2 skills called `b`'],
    ['frist', '`pkg` has no skill `frist`'],
    ['p', '`pkg` has no skill `p`'],
  ])('cannot be called %s', (text, message) => {
    expect(() => takeSkills(pkg, [text])).toThrow(expect.objectContaining({ code: 'USAGE', message }));
  });
});
