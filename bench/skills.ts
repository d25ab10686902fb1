/**
 * How well skills are found: `npm run bench:skills -- <directory of checkouts> <queries.tsv>`. A line of the queries is the
 * name of a skill, a tab, and a request in other words. Plain FTS5 and our index answer the same queries in one run; the
 * parameters are chosen on four fifths of the queries and judged on the fifth that chose nothing. With `--keep` the result
 * goes into the docs at the next `npm run bench:tables`.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keepResult, type SearchResult, searchTable, today } from '../scripts/skills-tables.ts';
import { indexSkills, parseSkill, RANKING, type Ranking, type Skill, stem, words } from '../skills-lib/index.ts';

interface Query {
  readonly target: string;
  readonly text: string;
}

type Find = (query: string) => readonly string[];

const [directory, queryFile, ...flags] = process.argv.slice(2);
if (directory === undefined || queryFile === undefined) {
  console.error('usage: npm run bench:skills -- <directory of checkouts> <queries.tsv> [--keep]');
  process.exitCode = 2;
} else {
  const skills = readSkills(directory);
  const names = new Set(skills.map(({ name }) => name));
  const all = readQueries(queryFile);
  const queries = all.filter(({ target }) => names.has(target));
  const result: SearchResult = {
    date: today(),
    skills: skills.length,
    queries: queries.length,
    absent: all.length - queries.length,
    doubled: measureDoubled(skills, queries),
    arms: measureArms(skills, queries),
  };
  if (flags.includes('--keep')) keepResult('search', result);
  const { arms, ...rest } = result;
  console.log(`${JSON.stringify(rest, null, 2)}\n\n${searchTable({ arms })}`);
}

function readQueries(file: string): readonly Query[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): Query => {
      const [target = '', text = ''] = line.split('\t');
      return { target, text };
    });
}

function measureArms(skills: readonly Skill[], queries: readonly Query[]): SearchResult['arms'] {
  const plain: Ranking = { ...RANKING, expansionTerms: 0 };
  const flat: Ranking = { ...plain, name: { ...RANKING.name, weight: 1 }, description: { ...RANKING.description, weight: 1 } };
  const arms: readonly (readonly [string, Find])[] = [
    ['FTS5, 8/4/1, eight rarest terms', fullText(skills)],
    ['fielded BM25F, no expansion', finder(skills, plain)],
    ['fielded BM25F, flat weights', finder(skills, flat)],
    ['fielded BM25F, expansion from the corpus (what ships)', finder(skills, RANKING)],
    ['the same, asked with the eight rarest terms', rarest(skills, 8)],
    ['the same, and three letters in a row of names', joined(skills, 'name', trigrams)],
    ['the same, and pairs of words of descriptions', joined(skills, 'description', pairs)],
  ];
  const judged = crossValidated(skills, queries);
  return [
    ...arms.map(([name, find]) => ({ name, recallAt5: recall(queries, find, 5), recallAt10: recall(queries, find, 10) })),
    { name: 'cross-validated, five folds', recallAt5: judged[5], recallAt10: judged[10] },
  ];
}

function readSkills(root: string): Skill[] {
  const seen = new Set<string>();
  return readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile() || !/^skill\.md$/i.test(entry.name)) return [];
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, 'utf8');
    const digest = createHash('sha256').update(text).digest('hex');
    if (seen.has(digest)) return [];
    seen.add(digest);
    try {
      const { skill } = parseSkill(text, path);
      return skill === undefined ? [] : [skill];
    } catch {
      return []; // no skill, and `npm run corpus:skills` counts it
    }
  });
}

function finder(skills: readonly Skill[], ranking: Ranking): Find {
  const index = indexSkills(skills, ranking);
  return (query) => distinct(index.find(query, 40).map(({ skill }) => skill.name));
}

/** Asks only with what few skills say. */
function rarest(skills: readonly Skill[], count: number): Find {
  const find = finder(skills, RANKING);
  const held = holders(skills);
  return (query) => {
    const known = [...new Set(words(query))].filter((word) => held(word) > 0);
    const rare = known.toSorted((a, b) => held(a) - held(b)).slice(0, count);
    return find(rare.join(' '));
  };
}

/** Adds to a field, and to the query, what `parts` makes of their text; each part is a word that no text has. */
function joined(skills: readonly Skill[], field: 'name' | 'description', parts: (text: string) => readonly string[]): Find {
  const withParts = (text: string): string => [text, ...parts(text)].join(' ');
  const index = indexSkills(
    skills.map(({ name, description, body }) => ({ target: name, name, description, body, [field]: withParts(field === 'name' ? name : description) })),
    RANKING,
  );
  return (query) => distinct(index.find(withParts(query), 40).map(({ skill }) => skill.target));
}

function trigrams(text: string): readonly string[] {
  return words(text).flatMap((word) => Array.from({ length: Math.max(0, word.length - 2) }, (_, at) => `zq${word.slice(at, at + 3)}zq`));
}

function pairs(text: string): readonly string[] {
  const stems = words(text).map(stem);
  return stems.slice(1).map((word, at) => `zq${stems[at]}${word}`);
}

/** How many skills say a word. */
function holders(skills: readonly Skill[]): (word: string) => number {
  const counts = new Map<string, number>();
  for (const { name, description, body } of skills)
    for (const term of new Set(words(`${name} ${description} ${body.slice(0, 4000)}`).map(stem))) counts.set(term, (counts.get(term) ?? 0) + 1);
  return (word) => counts.get(stem(word)) ?? 0;
}

/** What anyone would build first. */
function fullText(skills: readonly Skill[]): Find {
  const database = new DatabaseSync(':memory:');
  database.exec("create virtual table skills using fts5(name, description, body, tokenize = 'porter unicode61')");
  const insert = database.prepare('insert into skills (rowid, name, description, body) values (?, ?, ?, ?)');
  for (const [at, { name, description, body }] of skills.entries()) {
    insert.run(at, name, description, body.slice(0, 4000));
  }
  const held = holders(skills);
  const select = database.prepare('select name from skills where skills match ? order by bm25(skills, 8, 4, 1) limit 40');
  return (query) => {
    const rarest = [...new Set(words(query))]
      .filter((word) => held(word) > 0)
      .sort((a, b) => held(a) - held(b))
      .slice(0, 8);
    return rarest.length === 0 ? [] : distinct(select.all(rarest.map((word) => `"${word}"`).join(' OR ')).map(({ name }) => String(name)));
  };
}

/** Repositories copy from each other: several texts have one name, and a host loads one of them. */
function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].slice(0, 10);
}

function recall(queries: readonly Query[], find: Find, limit: number): number {
  const hits = queries.filter(({ target, text }) => find(text).slice(0, limit).includes(target)).length;
  return Math.round((hits / Math.max(queries.length, 1)) * 1000) / 1000;
}

/** Tells arms apart that recall cannot: a target in the first place counts more than one in the fifth. */
function meanReciprocalRank(queries: readonly Query[], find: Find): number {
  const ranks = queries.map(({ target, text }) => find(text).indexOf(target));
  return ranks.reduce((sum, rank) => sum + (rank === -1 ? 0 : 1 / (rank + 1)), 0) / Math.max(queries.length, 1);
}

function crossValidated(skills: readonly Skill[], queries: readonly Query[]): { readonly 5: number; readonly 10: number } {
  const arms = [1.2, 3, 8].flatMap((saturation) =>
    [2, 8].flatMap((weight) =>
      [0, 8].map((expansionTerms): Find => finder(skills, { ...RANKING, saturation, expansionTerms, name: { ...RANKING.name, weight } })),
    ),
  );
  const answers = arms.map((find) => new Map(queries.map(({ text }) => [text, find(text)])));
  const folds = [0, 1, 2, 3, 4];
  const judge = (limit: number): number => {
    const hits = folds.reduce((sum, fold) => {
      const training = queries.filter((_, at) => at % 5 !== fold);
      const held = queries.filter((_, at) => at % 5 === fold);
      const finds = answers.map(
        (known): Find =>
          (text) =>
            known.get(text) ?? [],
      );
      const best = finds.toSorted((a, b) => meanReciprocalRank(training, b) - meanReciprocalRank(training, a))[0];
      return best === undefined ? sum : sum + recall(held, best, limit) * held.length;
    }, 0);
    return Math.round((hits / Math.max(queries.length, 1)) * 1000) / 1000;
  };
  return { 5: judge(5), 10: judge(10) };
}

/** The corpus twice, the second time under new names: about 9,000 skills. */
function measureDoubled(skills: readonly Skill[], queries: readonly Query[]): SearchResult['doubled'] {
  const doubled = [...skills, ...skills.map((skill) => ({ ...skill, name: `${skill.name}-again` }))];
  globalThis.gc?.();
  const before = process.memoryUsage();
  const begin = performance.now();
  const index = indexSkills(doubled);
  const indexMs = Math.round(performance.now() - begin);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const times = Array.from({ length: 10 }, () => queries)
    .flat()
    .map(({ text }) => {
      const start = performance.now();
      index.find(text, 10);
      return performance.now() - start;
    });
  times.sort((a, b) => a - b);
  const at = (part: number): number => Math.round((times[Math.floor(times.length * part)] ?? 0) * 100) / 100;
  const memoryMiB = Math.round((after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1024 ** 2);
  return { skills: doubled.length, indexMs, p50Ms: at(0.5), p99Ms: at(0.99), memoryMiB };
}
