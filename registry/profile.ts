import { join } from 'node:path';

import { DashError, isProfile, nearest, type Profile, PROFILES, stricterProfile } from '../format/index.ts';
import { assertNotDelegated } from './delegation.ts';
import { MACHINE_SETTINGS, readSettingsFile } from './settings-file.ts';
import { writeDurably } from './store/durable-file.ts';
import { asDiskError } from './store/file-errors.ts';

/** The profile in force, and who chose it. */
export interface ProfileReading {
  readonly profile: Profile;
  readonly chosenBy: 'default' | 'user' | 'machine';
}

/**
 * Reads how much is asked. The user chooses, the machine may insist on more; a project has no say, and neither has the
 * environment, which a project's `.envrc` can set.
 *
 * @throws {DashError} SETTINGS_INVALID: a word that is not understood may have meant `locked`
 */
export async function readProfile(dashHome: string, machineSettings = MACHINE_SETTINGS): Promise<ProfileReading> {
  const [user, machine] = await Promise.all([profileIn(join(dashHome, 'settings.json')), profileIn(machineSettings)]);
  if (user === undefined) return machine === undefined ? { profile: 'balanced', chosenBy: 'default' } : { profile: machine, chosenBy: 'machine' };
  const profile = machine === undefined ? user : stricterProfile(user, machine);
  return { profile, chosenBy: profile === user ? 'user' : 'machine' };
}

/**
 * Writes the user's choice into their settings.
 *
 * @throws {DashError} DELEGATED_CONSENT inside a tool process of an agent; SETTINGS_INVALID, DISK_ERROR
 */
export async function chooseProfile(dashHome: string, profile: Profile): Promise<void> {
  assertNotDelegated();
  const path = join(dashHome, 'settings.json');
  const settings = await readSettingsFile(path);
  try {
    await writeDurably(path, `${JSON.stringify({ ...settings, profile }, undefined, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw asDiskError(error, 'writing the settings');
  }
}

/** Reads the name of a profile as it was typed. @throws {DashError} USAGE */
export function parseProfile(text: string): Profile {
  if (isProfile(text)) return text;
  const meant = nearest(text, PROFILES);
  throw new DashError('USAGE', `\`${text}\` is not a profile`, { hint: meant ? `did you mean \`${meant}\`?` : `choose one of ${PROFILES.join(', ')}` });
}

async function profileIn(path: string): Promise<Profile | undefined> {
  const { profile } = await readSettingsFile(path);
  if (profile === undefined || isProfile(profile)) return profile;
  throw new DashError('SETTINGS_INVALID', `\`${path}\`: \`profile\` is not one of ${PROFILES.join(', ')}`, { where: { path } });
}
