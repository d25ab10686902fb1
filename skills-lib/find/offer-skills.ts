import { skillCatalog, skillCatalogItem } from './catalog-prompt.ts';
import type { FoundSkill } from '../discover/discover.ts';
import { indexSkills, type SkillHit, type SkillIndex } from './skill-index.ts';

/** How skills are offered to the model. */
export interface SkillOffering {
  /** Most tokens of the list; 0 lists nothing but what is pinned. */
  readonly budget: number;
  /** Names that are listed whatever the budget is. */
  readonly pinned: readonly string[];
}

export const DEFAULT_OFFERING: SkillOffering = { budget: 4000, pinned: [] };

/** How many are listed for a turn when not all fit. */
const OFFERED = 10;
/** How much of the best score another origin's best must have to be listed before the best origin's second. */
const WORTH_A_SLOT = 0.8;
const CHARACTERS_PER_TOKEN = 4;

/** The skills of one generation, as the model meets them. */
export interface OfferedSkills {
  /** False when the list holds only some: then `find_skill` finds the others. */
  readonly complete: boolean;
  /** The part of the system prompt for a turn that is about `query`. */
  catalog(query: string): string;
  find(query: string, limit: number): readonly FoundSkill[];
}

/** Lists everything while it is short; above the budget, what is pinned and what fits the turn. */
export function offerSkills(skills: readonly FoundSkill[], { budget, pinned }: SkillOffering = DEFAULT_OFFERING): OfferedSkills {
  const offered = skills.filter(({ modelMayInvoke }) => modelMayInvoke);
  const tokens = offered.reduce((sum, skill) => sum + skillCatalogItem(skill).length / CHARACTERS_PER_TOKEN, 0);
  const complete = tokens <= budget;
  // made when first asked: who has few skills never pays for it
  let index: SkillIndex<FoundSkill> | undefined;
  const findIn = (query: string, limit: number): readonly SkillHit<FoundSkill>[] =>
    (index ??= indexSkills(offered)).find(query, Number.POSITIVE_INFINITY, { groupOf: ({ origin }) => origin, most: limit });
  return {
    complete,
    find: (query, limit) => spreadOut(findIn(query, limit), limit),
    catalog(query) {
      if (complete) return skillCatalog(offered);
      const kept = offered.filter(({ name }) => pinned.includes(name));
      const hits = findIn(query, OFFERED + kept.length).filter(({ skill }) => !kept.includes(skill));
      return skillCatalog([...kept, ...withinBudget(spreadOut(hits, OFFERED), budget)], offered.length);
    },
  };
}

/**
 * Takes `limit` of what was found, the best first. An origin whose best is about as good as the best of all has a place
 * before any has a second one, and none has more than half (rounded up) while others have something: a package that brings ten thousand
 * skills, each stuffed with words, cannot fill the list.
 */
function spreadOut(hits: readonly SkillHit<FoundSkill>[], limit: number): readonly FoundSkill[] {
  const worth = (hits[0]?.score ?? 0) * WORTH_A_SLOT;
  const counts = new Map<string, number>();
  const ranked = hits.map((hit) => {
    const { origin } = hit.skill;
    const count = (counts.get(origin) ?? 0) + 1;
    counts.set(origin, count);
    return { hit, turn: count === 1 && hit.score >= worth ? 0 : count <= Math.ceil(limit / 2) ? 1 : 2 };
  });
  const taken = new Set(
    ranked
      .toSorted((a, b) => a.turn - b.turn)
      .slice(0, limit)
      .map(({ hit }) => hit),
  );
  return hits.filter((hit) => taken.has(hit)).map(({ skill }) => skill);
}

function withinBudget(skills: readonly FoundSkill[], budget: number): readonly FoundSkill[] {
  let room = budget * CHARACTERS_PER_TOKEN;
  return skills.filter((skill) => {
    const { length } = skillCatalogItem(skill);
    if (length > room) return false;
    room -= length;
    return true;
  });
}
