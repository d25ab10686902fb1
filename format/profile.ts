import type { ConsentLevel } from './consent-level.ts';
import type { Permission } from './permission.ts';

/**
 * How much is asked, chosen by the user or the machine and never by a project; from the freest to the strictest.
 *
 * - `open`: what a package asks for is granted by installing it, as in pi, with a log.
 * - `balanced`: the default.
 * - `strict`: every level counts as the next one, so that what one yes would grant is asked at first use.
 * - `locked`: nothing is asked and nothing granted but by a policy file, for CI.
 */
export const PROFILES = ['open', 'balanced', 'strict', 'locked'] as const;
export type Profile = (typeof PROFILES)[number];

export const PROFILE_WORDS: Readonly<Record<Profile, string>> = {
  open: 'packages get what they ask for by being installed; everything is logged',
  balanced: 'one answer at install; what is dangerous is asked when it is first needed',
  strict: 'everything but own files is asked, one by one, when it is first needed',
  locked: 'nothing is asked; only a policy file grants',
};

/** Tells whether a text is the name of a profile. */
export function isProfile(text: unknown): text is Profile {
  return PROFILES.some((profile) => profile === text);
}

/** The profile that asks more. */
export function stricterProfile(a: Profile, b: Profile): Profile {
  return PROFILES.indexOf(a) > PROFILES.indexOf(b) ? a : b;
}

/** Gives the level of a permission under a profile. What only a policy can grant no profile grants. */
export function levelUnder(profile: Profile, permission: Permission, level: ConsentLevel): ConsentLevel {
  if (level === 'policy' || permission.deny) return level;
  switch (profile) {
    case 'open':
      return 'quiet';
    case 'balanced':
    case 'locked':
      return level;
    case 'strict':
      return level === 'quiet' && !isOwn(permission) ? 'summary' : level === 'summary' ? 'one-by-one' : level;
  }
}

/** A package's own directories, and a note to the user. */
function isOwn(permission: Permission): boolean {
  if (permission.area === 'fs:read' || permission.area === 'fs:write') return permission.scope.root === 'data' || permission.scope.root === 'tmp';
  return permission.area === 'ui:notify';
}
