import { createHash } from 'node:crypto';
import { sorted, type Registrations } from '../format/index.ts';
import type { GuestFacts } from './extension.ts';

/** Paths of the surroundings that may stand in a description ("settings are in …"), by their token. */
type PlaceFacts = Pick<GuestFacts, 'agentDir' | 'cwd' | 'home'>;
const PLACES: readonly (keyof PlaceFacts)[] = ['agentDir', 'cwd', 'home'];

/** Writes tokens for the paths of a capture, so that what was captured holds on every machine and in every project. */
export function hidePlaces(registrations: Registrations, facts: PlaceFacts): Registrations {
  return mapTexts(registrations, (text) => PLACES.reduce((hidden, place) => hidden.replaceAll(facts[place], token(place)), text)) as Registrations;
}

/** Writes the paths of these surroundings for the tokens. */
export function showPlaces(registrations: Registrations, facts: PlaceFacts): Registrations {
  return mapTexts(registrations, (text) => PLACES.reduce((shown, place) => shown.replaceAll(token(place), facts[place]), text)) as Registrations;
}

function token(place: keyof PlaceFacts): string {
  return `%dash:${place}%`;
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapTexts(child, map)]));
}

/**
 * Compares what a package registers with what was captured: whatever is new or different is refused, what is
 * missing is not (an extension may decide to offer less). Returns the first difference in words.
 */
export function registrationsDiffer(captured: Registrations, actual: Registrations): string | undefined {
  return (
    firstNew('tool', captured.tools, actual.tools, (tool) => tool.name) ??
    firstNew('command', captured.commands, actual.commands, (command) => command.name) ??
    firstNew('handler of event', captured.events, actual.events, (handler) => `${handler.event} (${handler.handler})`) ??
    firstNew('flag', captured.flags, actual.flags, (flag) => flag.name) ??
    firstNew('shortcut', captured.shortcuts, actual.shortcuts, (shortcut) => shortcut.shortcut) ??
    firstNewProvider(captured.providers, actual.providers)
  );
}

/** Its models and its address may be looked up: where conversations go is decided when one is sent. */
function firstNewProvider(captured: Registrations['providers'], actual: Registrations['providers']): string | undefined {
  const found = actual.find(({ name }) => !captured.some((known) => known.name === name));
  return found === undefined ? undefined : `the provider \`${found.name}\` is new`;
}

function firstNew<T>(kind: string, captured: readonly T[], actual: readonly T[], name: (item: T) => string): string | undefined {
  // Two entry points may offer the same name, each in its own form.
  const known = new Map<string, Set<string>>();
  for (const item of captured) known.set(name(item), (known.get(name(item)) ?? new Set()).add(digest(item)));
  for (const item of actual) {
    const expected = known.get(name(item));
    if (expected === undefined) return `the ${kind} \`${name(item)}\` is new`;
    if (!expected.has(digest(item))) return `the ${kind} \`${name(item)}\` has changed`;
  }
  return undefined;
}

/** sha256 over the JSON with sorted keys: the same registration has the same digest in every run. */
export function digest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}
