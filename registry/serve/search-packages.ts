import type { StoredPackument } from './package-directory.ts';

/** What was asked for, in the words of `GET /-/v1/search`. */
export interface SearchQuery {
  readonly text: string;
  readonly size: number;
  readonly from: number;
}

/** One hit, in the shape npm clients read. */
export interface SearchHit {
  readonly package: {
    readonly name: string;
    readonly scope: string;
    readonly version: string;
    readonly description: string | undefined;
    readonly keywords: readonly string[];
    readonly date: string | undefined;
  };
  readonly score: { readonly final: number; readonly detail: Record<string, never> };
  readonly searchScore: number;
}

export interface SearchReply {
  readonly objects: readonly SearchHit[];
  readonly total: number;
}

/**
 * Finds packages by words and `keywords:a,b` (any of them; several `keywords:` must all hold).
 * Relevance comes in tiers: the exact name, a whole word of the name, the beginning of one, then text.
 */
export function searchPackages(packuments: readonly StoredPackument[], { text, size, from }: SearchQuery): SearchReply {
  const { words, keywords } = parseText(text);
  const hits = packuments
    .flatMap((packument) => {
      const version = packument.versions[packument['dist-tags']['latest'] ?? ''];
      if (version === undefined) return [];
      const has = version.keywords ?? [];
      if (!keywords.every((anyOf) => anyOf.some((keyword) => has.includes(keyword)))) return [];
      const relevance = relevanceOf(words, { name: packument.name, description: version.description ?? '', keywords: has });
      return relevance === 0 ? [] : [{ packument, version, relevance }];
    })
    .toSorted((a, b) => b.relevance - a.relevance || a.packument.name.localeCompare(b.packument.name, 'en'));

  return {
    total: hits.length,
    objects: hits.slice(from, from + size).map(({ packument, version, relevance }) => ({
      package: {
        name: packument.name,
        scope: packument.name.match(/^@([^/]+)\//)?.[1] ?? 'unscoped',
        version: version.version,
        description: version.description,
        keywords: version.keywords ?? [],
        date: packument.time[version.version],
      },
      score: { final: relevance, detail: {} },
      searchScore: relevance,
    })),
  };
}

function parseText(text: string): { readonly words: string[]; readonly keywords: string[][] } {
  const terms = text.split(/\s+/).filter((term) => term !== '');
  const isKeywords = (term: string) => term.startsWith('keywords:');
  return {
    words: terms.filter((term) => !isKeywords(term)).map((term) => term.toLowerCase()),
    keywords: terms.filter(isKeywords).map((term) => term.slice('keywords:'.length).split(',')),
  };
}

/** 0 when a word is found nowhere, else the tier of the worst word: every word must be found. */
function relevanceOf(words: readonly string[], item: { readonly name: string; readonly description: string; readonly keywords: readonly string[] }): number {
  if (words.length === 0) return 1;
  const nameParts = item.name.toLowerCase().split(/[^a-z0-9]+/);
  const keywords = item.keywords.map((keyword) => keyword.toLowerCase());
  const description = item.description.toLowerCase();
  const tierOf = (word: string) => {
    if (item.name === word) return 1000;
    if (nameParts.includes(word)) return 100;
    if (nameParts.some((part) => part.startsWith(word))) return 50;
    if (keywords.includes(word)) return 20;
    return description.includes(word) ? 10 : 0;
  };
  return Math.min(...words.map(tierOf));
}
