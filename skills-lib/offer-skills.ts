import { skillCatalog, skillCatalogItem } from './catalog-prompt.ts';
import type { FoundSkill } from './discover.ts';
import { indexSkills, type SkillIndex } from './skill-index.ts';

/** How skills are offered to the model. */
export interface SkillOffering {
  /** Most tokens of the list; 0 lists nothing but what is pinned. */
  readonly budget: number;
  /** Names that are listed whatever the budget is. */
  readonly pinned: readonly string[];
}

export const DEFAULT_OFFERING: SkillOffering = { budget: 4000, pinned: [] };

/** How many are listed for a turn when not all fit, and how many of them one package may have. */
const OFFERED = 10;
const SLOTS_PER_PACKAGE = 5;
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
  const find = (query: string, limit: number): readonly FoundSkill[] => (index ??= indexSkills(offered)).find(query, limit).map(({ skill }) => skill);
  return {
    complete,
    find,
    catalog(query) {
      if (complete) return skillCatalog(offered);
      const kept = offered.filter(({ name }) => pinned.includes(name));
      const fitting = slotted(find(query, OFFERED * 4).filter((skill) => !kept.includes(skill)));
      return skillCatalog([...kept, ...withinBudget(fitting, budget)], offered.length);
    },
  };
}

/** One package that brings very many skills cannot fill the list. */
function slotted(skills: readonly FoundSkill[]): readonly FoundSkill[] {
  const taken = new Map<string, number>();
  return skills
    .filter(({ origin }) => {
      const count = taken.get(origin) ?? 0;
      taken.set(origin, count + 1);
      return origin === 'user' || origin === 'project' || count < SLOTS_PER_PACKAGE;
    })
    .slice(0, OFFERED);
}

function withinBudget(skills: readonly FoundSkill[], budget: number): readonly FoundSkill[] {
  let room = budget * CHARACTERS_PER_TOKEN;
  return skills.filter((skill) => (room -= skillCatalogItem(skill).length) >= 0);
}
