import { join } from 'node:path';

import { DashError } from '../format/index.ts';
import { MACHINE_SETTINGS, readSettingsFile } from './settings-file.ts';
import { DEFAULT_MIN_AGE_MS } from './verify/age.ts';

/** How long releases must have been public here, and which need not wait. */
export interface ReleaseAge {
  readonly minAgeMs: number;
  /** Names, with `*` for any part: `@acme/*`. */
  readonly exclude: readonly string[];
}

/**
 * Reads `minimumReleaseAge`, in minutes, and `minimumReleaseAgeExclude` from the user's settings and the machine's, under
 * the names that pnpm has for them. The machine may insist on more; a project has no say.
 *
 * @throws {DashError} SETTINGS_INVALID: what is not understood may have meant a longer time
 */
export async function readReleaseAge(dashHome: string, machineSettings = MACHINE_SETTINGS): Promise<ReleaseAge> {
  const [user, machine] = await Promise.all([releaseAgeIn(join(dashHome, 'settings.json')), releaseAgeIn(machineSettings)]);
  return {
    minAgeMs: Math.max(machine.minAgeMs ?? 0, user.minAgeMs ?? machine.minAgeMs ?? DEFAULT_MIN_AGE_MS),
    exclude: [...user.exclude, ...machine.exclude],
  };
}

async function releaseAgeIn(path: string): Promise<{ readonly minAgeMs: number | undefined; readonly exclude: readonly string[] }> {
  const { minimumReleaseAge: minutes, minimumReleaseAgeExclude: exclude = [] } = await readSettingsFile(path);
  const refuse = (what: string, hint: string) => new DashError('SETTINGS_INVALID', `\`${path}\`: \`${what}`, { hint, where: { path } });
  if (minutes !== undefined && !(typeof minutes === 'number' && minutes >= 0))
    throw refuse('minimumReleaseAge` is not a number of minutes', 'three days are `4320`');
  if (!Array.isArray(exclude) || !exclude.every((name) => typeof name === 'string'))
    throw refuse('minimumReleaseAgeExclude` is not a list of names', 'it looks like `["left-pad", "@acme/*"]`');
  return { minAgeMs: minutes === undefined ? undefined : minutes * 60_000, exclude };
}
