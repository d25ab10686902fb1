import type { Skill } from '../skill.ts';
import { stem, words } from './words.ts';

/** What of a skill is searched. */
export type Searchable = Pick<Skill, 'name' | 'description' | 'body'>;

export interface SkillHit<Item extends Searchable> {
  readonly skill: Item;
  readonly score: number;
}

/** Finds skills by what a person asks for. */
export interface SkillIndex<Item extends Searchable> {
  /** The best first; none that shares no word with the query. */
  find(query: string, limit: number, spread?: Spread<Item>): readonly SkillHit<Item>[];
}

/** Keeps those who bring very many skills from being all that is found. */
export interface Spread<Item> {
  groupOf(skill: Item): string;
  /** How many of one group are found at most. */
  readonly most: number;
}

/** A field's weight, and how much a long one is held against it. */
interface Field {
  readonly weight: number;
  readonly lengthPenalty: number;
}

/** How much each part of a skill says about it. docs/skills-search.md has the measurements. */
export interface Ranking {
  readonly name: Field;
  readonly description: Field;
  readonly body: Field;
  /** How slowly more occurrences stop counting. */
  readonly saturation: number;
  /** Terms that the first finds add to the query, and their weight; 0 adds none. */
  readonly expansionTerms: number;
  readonly expansionWeight: number;
}

export const RANKING: Ranking = {
  name: { weight: 8, lengthPenalty: 0.3 },
  description: { weight: 4, lengthPenalty: 0.75 },
  body: { weight: 1, lengthPenalty: 0.75 },
  saturation: 3,
  expansionTerms: 8,
  expansionWeight: 0.2,
};

const FIELDS = ['name', 'description', 'body'] as const;
const BODY_CHARACTERS = 4000;
/** A skill that repeats a word more often than this is stuffed with it. */
const MAX_COUNT = 12;
const MAX_QUERY_WORDS = 64;
/** How many of the first finds are asked what else the query may mean. */
const FEEDBACK = 10;

/** For each term the skills that hold it and how much of it. */
interface Postings {
  readonly documents: Uint32Array;
  readonly weights: Float32Array;
}

/**
 * Indexes skills in memory. BM25F: the counts of a term in all fields are weighed and added before they saturate, so that
 * a word in the name of a skill and in its body is not counted as two. https://doi.org/10.1145/1031171.1031181
 */
export function indexSkills<Item extends Searchable>(skills: readonly Item[], ranking: Ranking = RANKING): SkillIndex<Item> {
  const postings = weigh(countTerms(skills), skills.length, ranking);
  const rarity = (term: string): number => {
    const holders = postings.get(term)?.documents.length ?? 0;
    return Math.log(1 + (skills.length - holders + 0.5) / (holders + 0.5));
  };
  const add = (scores: Float64Array, term: string, weight: number): void => {
    const found = postings.get(term);
    if (found === undefined) return;
    const factor = weight * rarity(term);
    const { documents, weights } = found;
    for (let at = 0; at < documents.length; at++) {
      const document = documents[at] ?? 0;
      const count = weights[at] ?? 0;
      scores[document] = (scores[document] ?? 0) + (factor * count) / (ranking.saturation + count);
    }
  };

  /** Terms that stand out in what was found first: how skills speak of what the user asked for. */
  const related = (first: readonly number[], scores: Float64Array, asked: ReadonlySet<string>): readonly string[] => {
    const best = scores[first[0] ?? 0] ?? 0;
    const support = new Map<string, number>();
    for (const document of first) {
      const { name = '', description = '' } = skills[document] ?? {};
      for (const term of new Set(words(`${name} ${description}`).map(stem)))
        if (!asked.has(term)) support.set(term, (support.get(term) ?? 0) + (scores[document] ?? 0) / best);
    }
    return (
      [...support]
        // one skill's own words say nothing of what others mean
        .filter(([term, count]) => count > 1 && (postings.get(term)?.documents.length ?? 0) <= skills.length / 5)
        .map(([term, count]) => ({ term, value: count * rarity(term) }))
        .sort((a, b) => b.value - a.value)
        .slice(0, ranking.expansionTerms)
        .map(({ term }) => term)
    );
  };

  /** Each group's best are kept apart, so that no number of others pushes them out. */
  const bestOfGroups = (scores: Float64Array, limit: number, { groupOf, most }: Spread<Item>): readonly number[] => {
    const groups = Map.groupBy(
      [...scores.keys()].filter((document) => (scores[document] ?? 0) > 0),
      (document) => {
        const skill = skills[document];
        return skill === undefined ? '' : groupOf(skill);
      },
    );
    const score = (document: number): number => scores[document] ?? 0;
    return [...groups.values()]
      .flatMap((documents) => documents.sort((a, b) => score(b) - score(a)).slice(0, most))
      .sort((a, b) => score(b) - score(a))
      .slice(0, limit);
  };

  return {
    find(query, limit, spread) {
      const asked = new Set(words(query).slice(0, MAX_QUERY_WORDS).map(stem));
      const scores = new Float64Array(skills.length);
      for (const term of asked) add(scores, term, 1);
      if (ranking.expansionTerms > 0) {
        const first = highest(scores, FEEDBACK);
        for (const term of related(first, scores, asked)) add(scores, term, ranking.expansionWeight);
      }
      const best = spread === undefined ? highest(scores, limit) : bestOfGroups(scores, limit, spread);
      return best.flatMap((document) => {
        const skill = skills[document];
        return skill === undefined ? [] : [{ skill, score: scores[document] ?? 0 }];
      });
    },
  };
}

interface Counted {
  /** document, then the counts of each field, flat. */
  readonly counts: Map<string, number[]>;
  readonly lengths: readonly Uint32Array[];
}

const STRIDE = FIELDS.length + 1;

function countTerms(skills: readonly Searchable[]): Counted {
  const counts = new Map<string, number[]>();
  const lengths = FIELDS.map(() => new Uint32Array(skills.length));
  const stems = new Map<string, string>();
  for (const [document, { name, description, body }] of skills.entries()) {
    for (const [field, text] of [name, description, body.slice(0, BODY_CHARACTERS)].entries()) {
      const found = words(text);
      const length = lengths[field];
      if (length !== undefined) length[document] = found.length;
      for (const word of found) {
        let term = stems.get(word);
        if (term === undefined) stems.set(word, (term = stem(word)));
        let flat = counts.get(term);
        if (flat === undefined) counts.set(term, (flat = []));
        if (flat.at(-STRIDE) !== document) flat.push(document, 0, 0, 0);
        const at = flat.length - FIELDS.length + field;
        flat[at] = Math.min((flat[at] ?? 0) + 1, MAX_COUNT);
      }
    }
  }
  return { counts, lengths };
}

function weigh({ counts, lengths }: Counted, skills: number, ranking: Ranking): ReadonlyMap<string, Postings> {
  const averages = lengths.map((length) => length.reduce((sum, one) => sum + one, 0) / Math.max(skills, 1) || 1);
  const postings = new Map<string, Postings>();
  for (const [term, flat] of counts) {
    const size = flat.length / STRIDE;
    const documents = new Uint32Array(size);
    const weights = new Float32Array(size);
    for (let at = 0; at < size; at++) {
      const document = flat[at * STRIDE] ?? 0;
      documents[at] = document;
      for (const [field, name] of FIELDS.entries()) {
        const { weight, lengthPenalty } = ranking[name];
        const length = (lengths[field]?.[document] ?? 0) / (averages[field] ?? 1);
        weights[at] = (weights[at] ?? 0) + (weight * (flat[at * STRIDE + 1 + field] ?? 0)) / (1 - lengthPenalty + lengthPenalty * length);
      }
    }
    postings.set(term, { documents, weights });
    counts.delete(term);
  }
  return postings;
}

function highest(scores: Float64Array, limit: number): number[] {
  const best: number[] = [];
  for (let document = 0; document < scores.length; document++) {
    const score = scores[document] ?? 0;
    if (score === 0 || (best.length >= limit && score <= (scores[best.at(-1) ?? 0] ?? 0))) continue;
    let at = best.length;
    while (at > 0 && (scores[best[at - 1] ?? 0] ?? 0) < score) at--;
    best.splice(at, 0, document);
    if (best.length > limit) best.pop();
  }
  return best;
}
