import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError, isDashError } from '../../format/index.ts';
import { openRegistryHttp } from '../http/registry-http.ts';
import type { NpmConfig } from '../npm-config.ts';
import { registryFor } from '../resolve/registry-of.ts';

export interface NpmSearchQuery {
  readonly words: readonly string[];
  readonly limit: number;
  /** Registry, auth, proxy and certificates as npm's configuration gives them. */
  readonly npm: NpmConfig;
  readonly signal?: AbortSignal;
}

/** What the registry says of a package; nothing of it is verified. */
export interface FoundPackage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Which ecosystem's keyword it carries. */
  readonly ecosystems: readonly ('dash' | 'pi')[];
  /** What it brings and wants is in the package: a plain npm registry knows neither. */
  readonly kinds: readonly string[];
  readonly permissions: readonly string[];
  readonly flags: readonly string[];
  readonly publishedAt: string | undefined;
}

export interface NpmSearch {
  readonly results: readonly FoundPackage[];
  readonly total: number;
}

/** The keywords of packages Dash can install, best first. */
const KEYWORDS = { dash: 'dash-package', pi: 'pi-package' } as const;

/**
 * Searches an npm registry for agent packages. Both keywords are asked for one after the other,
 * because not every registry knows `keywords:a,b` as "either".
 *
 * @throws {DashError} REGISTRY_ERROR, REGISTRY_REPLY_INVALID
 */
export async function searchNpm({ words, limit, npm, signal }: NpmSearchQuery): Promise<NpmSearch> {
  const replies = await Promise.all(Object.values(KEYWORDS).map((keyword) => ask(`keywords:${keyword} ${words.join(' ')}`.trim(), limit, npm, signal)));
  const found = new Map<string, FoundPackage>();
  for (const hit of replies.flatMap(({ objects }) => objects.map((object) => object.package))) {
    const keywords = hit.keywords ?? [];
    const ecosystems = (['dash', 'pi'] as const).filter((kind) => keywords.includes(KEYWORDS[kind]));
    found.set(hit.name, {
      name: hit.name,
      version: hit.version,
      description: hit.description ?? '',
      ecosystems,
      kinds: [],
      permissions: [],
      flags: [],
      publishedAt: hit.date,
    });
  }
  const total = replies.reduce((sum, reply) => sum + reply.total, 0);
  // packages with both keywords are in both replies
  const both = replies.reduce((sum, { objects }) => sum + objects.length, 0) - found.size;
  return { results: [...found.values()].slice(0, limit), total: total - both };
}

const SearchReply = Type.Object({
  total: Type.Integer(),
  objects: Type.Array(
    Type.Object({
      package: Type.Object({
        name: Type.String(),
        version: Type.String(),
        description: Type.Optional(Type.String()),
        keywords: Type.Optional(Type.Array(Type.String())),
        date: Type.Optional(Type.String()),
      }),
    }),
  ),
});

/** Larger than any page of results. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

async function ask(text: string, size: number, npm: NpmConfig, signal: AbortSignal | undefined): Promise<Static<typeof SearchReply>> {
  const registry = await registryFor(npm);
  const url = new URL('-/v1/search', registry);
  url.search = new URLSearchParams({ text, size: String(size) }).toString();
  let body: Buffer;
  try {
    ({ body } = await openRegistryHttp({ npm, signal }).get(url.href, { what: 'a search', registry, maxBytes: MAX_REPLY_BYTES, compressed: true }));
  } catch (error) {
    if (!isDashError(error, 'PACKAGE_NOT_FOUND', 'REGISTRY_ERROR')) throw error;
    throw new DashError('REGISTRY_ERROR', error.code === 'PACKAGE_NOT_FOUND' ? 'this registry has no search' : error.message, {
      hint: '`dash doctor` checks the connection to the registry',
      cause: error,
    });
  }
  const reply = parse(body);
  if (Value.Check(SearchReply, reply)) return reply;
  throw new DashError('REGISTRY_REPLY_INVALID', 'the registry answered the search with something else than packages', {
    hint: 'name a registry that can search with `--registry`',
  });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
