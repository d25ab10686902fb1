import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * The tables about skills in `docs/`. A measurement that is run with `--keep` leaves its result in
 * `bench/results/skills`; `npm run bench:tables` puts them between the marks of the pages. No figure in them is typed.
 */
const RESULTS = new URL('../bench/results/skills/', import.meta.url);

/** What was read of one checkout. */
export interface CorpusRow {
  readonly repository: string;
  readonly files: number;
  readonly unique: number;
  readonly strict: number;
  readonly loadable: number;
  readonly repaired: number;
  readonly noFrontMatter: number;
  readonly unparseable: number;
  readonly crashes: number;
}

/** What `npm run corpus:skills` keeps. */
export interface CorpusResult {
  readonly date: string;
  readonly repositories: readonly CorpusRow[];
  readonly total: CorpusRow;
  readonly msPerFile: number;
  /** How many files break a rule of the standard. */
  readonly violations: Readonly<Record<string, number>>;
}

/** What `npm run bench:skills` keeps. */
export interface SearchResult {
  readonly date: string;
  readonly skills: number;
  readonly queries: number;
  readonly absent: number;
  readonly doubled: { readonly skills: number; readonly indexMs: number; readonly p50Ms: number; readonly p99Ms: number; readonly memoryMiB: number };
  readonly arms: readonly { readonly name: string; readonly recallAt5: number; readonly recallAt10: number }[];
}

/** What `npm run fuzz:skills` keeps. */
export interface FuzzResult {
  readonly date: string;
  readonly files: number;
  readonly seed: number;
  readonly strict: number;
  readonly loadable: number;
  readonly refused: number;
  readonly crashes: number;
  readonly ran: boolean;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What `npm run audit:skills` keeps. */
export interface AuditResult {
  readonly date: string;
  /** Version of the rule set. */
  readonly rules: number;
  readonly files: number;
  readonly failed: number;
  readonly byRule: Readonly<Record<string, { readonly severity: 'high' | 'notice'; readonly files: number; readonly findings: number }>>;
}

interface Results {
  readonly corpus: CorpusResult;
  readonly search: SearchResult;
  readonly fuzz: FuzzResult;
  readonly audit: AuditResult;
}

/** Keeps the result of a measurement for the pages. */
export function keepResult<Name extends keyof Results>(name: Name, result: Results[Name]): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(`${name}.json`, RESULTS), `${JSON.stringify(result, null, 2)}\n`);
}

/** Gives the result that was kept last. */
export function keptResult<Name extends keyof Results>(name: Name): Results[Name] {
  return JSON.parse(readFileSync(new URL(`${name}.json`, RESULTS), 'utf8')) as Results[Name];
}

/** The day of a measurement, as results carry it. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** One line of markdown for each checkout, and their sum. */
export function corpusTable({ repositories, total }: Pick<CorpusResult, 'repositories' | 'total'>): string {
  return table(
    ['repository', 'files', 'unique', 'strict', 'loadable', 'repaired', 'no front matter', 'unparseable'],
    [...repositories, total].map((row) => [row.repository, row.files, row.unique, row.strict, row.loadable, row.repaired, row.noFrontMatter, row.unparseable]),
  );
}

/** Each arm, with how often the skill that was meant is among the first. */
export function searchTable({ arms }: Pick<SearchResult, 'arms'>): string {
  return table(
    ['arm', 'recall@5', 'recall@10'],
    arms.map(({ name, recallAt5, recallAt10 }) => [name, recallAt5.toFixed(3), recallAt10.toFixed(3)]),
  );
}

/** Each page, and what stands between its marks. */
const PAGES: readonly { readonly page: string; readonly marks: Readonly<Record<string, () => string>> }[] = [
  {
    page: 'skills-corpus.md',
    marks: {
      corpus: () => `${measured(keptResult('corpus'))}\n\n${corpusTable(keptResult('corpus'))}`,
      sum: () => {
        const { total, msPerFile } = keptResult('corpus');
        return `${total.files} files, ${total.unique} of them different, ${total.crashes} crashes, ${msPerFile} ms a file.`;
      },
      violations: () =>
        table(
          ['noted', 'files'],
          Object.entries(keptResult('corpus').violations).map(([code, files]) => [`\`${code}\``, files]),
        ),
      fuzz: () => {
        const { files, seed, strict, loadable, refused, crashes, ran, p50Ms, p99Ms, maxMs } = keptResult('fuzz');
        return `${measured(keptResult('fuzz'))}\n\n${table(
          ['files', 'seed', 'strict', 'loadable', 'refused', 'crashes', 'ran as a program', 'p50', 'p99', 'slowest'],
          [[files, seed, strict, loadable, refused, crashes, ran ? 'yes' : 'no', `${p50Ms} ms`, `${p99Ms} ms`, `${maxMs} ms`]],
        )}`;
      },
    },
  },
  {
    page: 'skills-search.md',
    marks: {
      search: () => {
        const { skills, queries, absent, doubled } = keptResult('search');
        return [
          `${measured(keptResult('search'))} ${skills} skills, ${queries} queries, ${absent} without their skill here.`,
          searchTable(keptResult('search')),
          `The corpus twice, the second time under new names, is ${doubled.skills} skills: indexed in ${doubled.indexMs} ms, a query takes ${doubled.p50Ms} ms (p50) and ${doubled.p99Ms} ms (p99), the index ${doubled.memoryMiB} MiB.`,
        ].join('\n\n');
      },
    },
  },
  {
    page: 'audit.md',
    marks: {
      rules: () => {
        const { files, failed, rules, byRule } = keptResult('audit');
        return [
          `${measured(keptResult('audit'))} Rules ${rules}. ${failed} of the ${files} files (${((failed / files) * 100).toFixed(1)} %) fail.`,
          table(
            ['rule', 'severity', `files of ${files} public SKILL.md`, 'findings'],
            Object.entries(byRule).map(([id, found]) => [`\`${id}\``, found.severity, found.files, found.findings]),
          ),
        ].join('\n\n');
      },
    },
  },
];

/** The pages as the results have them: `[url, text]`. */
export function skillsPages(): readonly { readonly url: URL; readonly text: string }[] {
  return PAGES.map(({ page, marks }) => {
    const url = new URL(`../docs/${page}`, import.meta.url);
    const text = Object.entries(marks).reduce((soFar, [name, render]) => filledIn(soFar, name, render()), readFileSync(url, 'utf8'));
    return { url, text };
  });
}

function filledIn(page: string, name: string, text: string): string {
  const place = new RegExp(`(<!-- ${name}:begin -->\n)[^]*?(<!-- ${name}:end -->)`);
  if (!place.test(page)) throw new Error(`the page has no place for \`${name}\``);
  return page.replace(place, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
}

function measured({ date }: { readonly date: string }): string {
  return `Measured on ${date}.`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

if (import.meta.main) for (const { url, text } of skillsPages()) writeFileSync(url, text);
