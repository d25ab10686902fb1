import type { AnyNode } from 'acorn';
import type { Evidence } from '../../format/index.ts';
import type { Need } from './effects.ts';
import { Evaluator, TooMuchToFollow } from './evaluator.ts';
import { learnCalls } from './learn-calls.ts';
import { openPlaces, type PlaceOptions } from './places.ts';
import { readScopes } from './scopes.ts';
import { parseScript } from './syntax-tree.ts';
import { findUses } from './uses.ts';
import { HOLE, PLACES } from './value.ts';

export interface Bundle extends PlaceOptions {
  /** What the bundler wrote, not minified. */
  readonly code: string;
}

/** One place that needs something; permissions are as written, to be checked by who hears of them. */
export interface FoundUse extends Evidence {
  readonly need: Need;
}

export interface ReadUses {
  readonly uses: readonly FoundUse[];
  /** Why something may be missing. */
  readonly incomplete?: string;
}

/** Beyond this a bundle is not read: it would take seconds and hundreds of megabytes. */
const MAX_CODE_CHARACTERS = 12_000_000;
/** Values travel one call further with each look; through a bundle of megabytes they need not go as far. */
const MAX_LOOKS = 4;
const MAX_LOOKS_OF_MANY = 2;
const MANY_NODES = 400_000;
const MAX_USES = 4_000;
/** The nodes that `learnCalls` and `findUses` look at. */
const TELLING = new Set<AnyNode['type']>([
  'AssignmentExpression',
  'BinaryExpression',
  'CallExpression',
  'Identifier',
  'MemberExpression',
  'NewExpression',
  'UnaryExpression',
]);

/**
 * Reads from the text of a bundle what its code will ask for. Nothing of it runs. It never throws for what a package
 * wrote: what cannot be read is `incomplete`, with a reason. It belongs into the confined process that made the bundle.
 */
export function readUses(bundle: Bundle): ReadUses {
  if (bundle.code.length > MAX_CODE_CHARACTERS) return nothing(`its code is larger than ${MAX_CODE_CHARACTERS / 1_000_000} MB`);
  try {
    return read(bundle);
  } catch (error) {
    if (error instanceof TooMuchToFollow) return nothing('its code takes too long to follow');
    if (error instanceof RangeError) return nothing('its code is nested too deeply');
    if (error instanceof SyntaxError) return nothing('its code cannot be read');
    throw error;
  }
}

function read({ code, ...where }: Bundle): ReadUses {
  const program = parseScript(code);
  let count = 0;
  const nodes: AnyNode[] = [];
  const scopes = readScopes(program, (node) => {
    count++;
    if (TELLING.has(node.type)) nodes.push(node);
  });
  const places = openPlaces(code, where);
  const evaluator = new Evaluator(scopes, (node) => places.isOwn(node.start));
  for (let look = 0, before = -1; look < (count > MANY_NODES ? MAX_LOOKS_OF_MANY : MAX_LOOKS) && evaluator.learned > before; look++) {
    before = evaluator.learned;
    evaluator.lookAgain();
    learnCalls(nodes, scopes, evaluator);
  }
  evaluator.lookAgain();
  const found = new Map<string, FoundUse>();
  for (const { node, what, need } of findUses(nodes, scopes, evaluator)) {
    const use: FoundUse = { what, ...places.at(node.start), need: need.kind === 'computed' ? { ...need, known: shown(need.known) } : need };
    // a path that is put together in many ways is computed once
    const key = [need.kind === 'computed' ? need.subject : need.permission, what, use.where.path, use.where.line].join('\n');
    if (!found.has(key)) found.set(key, use);
  }
  const uses = [...found.values()];
  return uses.length <= MAX_USES ? { uses } : { uses: uses.slice(0, MAX_USES), incomplete: `it asks in more than ${MAX_USES} places` };
}

const NAMES: Readonly<Record<keyof typeof PLACES, string>> = { home: '~', workspace: '.', tmp: 'tmp:', data: 'data:', package: 'its own package' };

/** What is known of a computed target, for people. */
function shown(known: string): string {
  if (known.replaceAll(HOLE, '') === '') return '';
  const places = (Object.keys(PLACES) as (keyof typeof PLACES)[]).reduce((text, name) => text.replaceAll(PLACES[name], NAMES[name]), known);
  return places
    .replaceAll(HOLE, '…')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
    .slice(0, 120);
}

function nothing(incomplete: string): ReadUses {
  return { uses: [], incomplete };
}
