import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkSkill } from '../../skills-lib/index.ts';

interface Case {
  readonly directory: string;
  readonly content: string;
  readonly strict: boolean;
  readonly loadable: boolean;
  readonly codes: readonly string[];
}
const { cases }: { cases: Case[] } = JSON.parse(readFileSync(new URL('conformance.json', import.meta.url), 'utf8'));

describe('the rules of agentskills.io', () => {
  it.each(cases.map((each, index) => [index, each] as const))('decides case %i as the reference does', (_, { directory, content, strict, loadable, codes }) => {
    // Twice, because a parser that caches answers differently the second time.
    for (const check of [checkSkill(content, `/skills/${directory}/SKILL.md`), checkSkill(content, `/skills/${directory}/SKILL.md`)]) {
      expect({ strict: check.strict, loadable: check.loadable }).toEqual({ strict, loadable });
      expect(check.diagnostics.map(({ code }) => code)).toEqual(expect.arrayContaining([...codes]));
    }
    expect(Reflect.get(globalThis, 'PWNED')).toBeUndefined();
  });
});
