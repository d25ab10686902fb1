import {
  type CaptureOutcome,
  type CompiledPackage,
  DashError,
  narrowResources,
  nearest,
  RESOURCE_KINDS,
  type ResourceFilter,
  type ResourceKind,
  type Resources,
} from '../format/index.ts';
import type { LockRoot } from './lock/lock-entry.ts';

/** What the user left out of a package. It stands in the lock, so that everybody who installs from it has the same. */
export interface Choice {
  readonly disabled?: LockRoot['disabled'] | undefined;
  readonly filter?: LockRoot['filter'] | undefined;
}

/** What a package brings, as far as it can be narrowed. */
interface Build {
  readonly resources: Resources;
  readonly compiled: CompiledPackage;
  readonly captureOutcomes: readonly CaptureOutcome[];
}

/** Leaves out of a build what the filters leave out. An extension that is left out is neither compiled nor offered. */
export function narrowBuild({ resources, compiled, captureOutcomes }: Build, filters: readonly ResourceFilter[]): Build {
  const kept = filters.reduce<Resources>(narrowResources, resources);
  const isKept = ({ entry }: { readonly entry: string }) => kept.extensions.includes(entry);
  if (filters.length === 0) return { resources, compiled, captureOutcomes };
  return {
    resources: kept,
    compiled: { entries: compiled.entries.filter(isKept), failures: compiled.failures.filter(isKept) },
    captureOutcomes: captureOutcomes.filter(isKept),
  };
}

/**
 * Gives the choice under which exactly `kept` stays of what a package brings. What a later version adds is on, but of a
 * kind of which only some were taken.
 */
function choiceOf(brought: Resources, kept: Resources, { disabled, filter: before = {} }: Choice): Choice {
  const filter = RESOURCE_KINDS.flatMap((kind): [ResourceKind, readonly string[]][] => {
    const off = brought[kind].filter((path) => !kept[kind].includes(path));
    if (isTaking(before[kind]) && (off.length > 0 || brought[kind].length === 0)) return [[kind, only(kept[kind])]];
    return off.length === 0 ? [] : [[kind, off.map((path) => `-${path}`)]];
  });
  return { ...(disabled === true && { disabled }), ...(filter.length > 0 && { filter: Object.fromEntries(filter) }) };
}

/** Patterns that leave exactly these of a kind, whatever later versions add. */
function only(paths: readonly string[]): string[] {
  return paths.length === 0 ? [] : [EVERYTHING, ...paths.map((path) => `+${path}`)];
}

const EVERYTHING = '!**';

function isTaking(patterns: readonly string[] | undefined): boolean {
  return patterns !== undefined && (patterns.length === 0 || patterns[0] === EVERYTHING);
}

/**
 * Takes only these skills of a package, by name or by path, and nothing else that it brings, now or later.
 *
 * @throws {DashError} USAGE when it has no such skill, or several that are called so
 */
export function takeSkills({ name, brought, skills }: Omit<ToggledPackage, 'choice'>, named: readonly string[]): Choice {
  const none: Resources = { extensions: [], skills: brought.skills, prompts: [], themes: [] };
  if (brought.skills.length === 0) throw new DashError('USAGE', `\`${name}\` has no skills`, { hint: 'leave out `--skill`' });
  const meant = new Set(named.flatMap((text) => resourcesNamed({ name, brought: none, skills, choice: {} }, text, 'skill').skills));
  return { filter: { extensions: [], skills: only(brought.skills.filter((path) => meant.has(path))), prompts: [], themes: [] } };
}

/** Tells whether a choice lets no code of a package run. */
export function isTextOnly(choice: Choice | undefined): boolean {
  return choice?.filter?.extensions?.length === 0;
}

interface ToggledPackage {
  readonly name: string;
  readonly brought: Resources;
  readonly skills: readonly { readonly path: string; readonly name: string }[];
  readonly choice: Choice;
}

/**
 * Switches one resource on or off; without a resource the whole package. A resource is named by its path, by a glob, by
 * the name of a skill or file, or by its kind.
 *
 * @throws {DashError} USAGE when it brings no such resource, or several that are called so
 */
export function toggle(pkg: ToggledPackage, resource: string | undefined, on: boolean): Choice {
  const { brought, choice } = pkg;
  if (resource === undefined) return { ...(!on && { disabled: true as const }), ...(choice.filter !== undefined && { filter: choice.filter }) };
  const kept = narrowResources(brought, choice.filter ?? {});
  const meant = resourcesNamed(pkg, resource);
  const next = (kind: ResourceKind) => brought[kind].filter((path) => (meant[kind].includes(path) ? on : kept[kind].includes(path)));
  // all of it is the whole package, with what a later version adds to kinds of which there is nothing yet
  if (on && RESOURCE_KINDS.every((kind) => next(kind).length === brought[kind].length)) return { ...(choice.disabled === true && { disabled: true as const }) };
  return choiceOf(brought, mapKinds(next), choice);
}

function resourcesNamed({ name, brought, skills }: ToggledPackage, text: string, noun = 'resource'): Resources {
  const skillNames = new Map(skills.map((skill) => [skill.path, skill.name]));
  const exact = mapKinds((kind) => brought[kind].filter((path) => path === text || folderOf(path) === text.replace(/\/$/, '') || kind === text));
  if (count(exact) > 0) return exact;
  const called = mapKinds((kind) => brought[kind].filter((path) => skillNames.get(path) === text || shortName(path) === text));
  const paths = RESOURCE_KINDS.flatMap((kind) => called[kind]);
  if (paths.length > 1) {
    throw new DashError('USAGE', `\`${name}\` has ${paths.length} ${noun}s called \`${text}\``, { hint: `name one by its path: ${quoted(paths)}` });
  }
  if (paths.length === 1) return called;
  const matched = narrowResources(brought, Object.fromEntries(RESOURCE_KINDS.map((kind) => [kind, [text]])));
  // a mark is for settings; here the command says which way
  if (count(matched) > 0 && !/^[!+-]/.test(text)) return matched;
  const all = RESOURCE_KINDS.flatMap((kind) => brought[kind]);
  const near = nearest(text, [...all, ...all.map(shortName), ...skillNames.values()]);
  throw new DashError('USAGE', `\`${name}\` has no ${noun} \`${text}\``, {
    hint: near !== undefined ? `did you mean \`${near}\`?` : `it has ${quoted(all)}`,
  });
}

/** `skills/pdf/SKILL.md` → `skills/pdf`; other files have no folder of their own. */
function folderOf(path: string): string | undefined {
  return /\/skill\.md$/i.test(path) ? path.slice(0, path.lastIndexOf('/')) : undefined;
}

function shortName(path: string): string {
  const own = folderOf(path) ?? path;
  return own.slice(own.lastIndexOf('/') + 1).replace(/\.[a-z]+$/i, '');
}

function quoted(paths: readonly string[]): string {
  const shown = paths.slice(0, 8).map((path) => `\`${path}\``);
  return `${shown.join(', ')}${paths.length > shown.length ? ` and ${paths.length - shown.length} more` : ''}`;
}

function count(resources: Resources): number {
  return RESOURCE_KINDS.reduce((sum, kind) => sum + resources[kind].length, 0);
}

function mapKinds(give: (kind: ResourceKind) => readonly string[]): Resources {
  const [extensions = [], skills = [], prompts = [], themes = []] = RESOURCE_KINDS.map(give);
  return { extensions, skills, prompts, themes };
}
