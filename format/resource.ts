/** The four kinds of resource a package can bring. */
export const RESOURCE_KINDS = ['extensions', 'skills', 'prompts', 'themes'] as const;

export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** Paths inside a package, with `/`, in the order in which they are loaded. A skill is its SKILL.md (or a lone .md file). */
export type Resources = Readonly<Record<ResourceKind, readonly string[]>>;

/** Tells whether a package brings nothing at all. */
export function isEmptyResources(resources: Resources): boolean {
  return RESOURCE_KINDS.every((kind) => resources[kind].length === 0);
}
