import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Profile } from '../../format/index.ts';
import { chooseProfile, parseProfile, readProfile } from '../../registry/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('the profile', () => {
  test.each<[user: Profile | undefined, machine: Profile | undefined, profile: Profile, chosenBy: string]>([
    [undefined, undefined, 'balanced', 'default'],
    ['open', undefined, 'open', 'user'],
    [undefined, 'open', 'open', 'machine'],
    ['open', 'balanced', 'balanced', 'machine'],
    ['strict', 'balanced', 'strict', 'user'],
    ['strict', 'locked', 'locked', 'machine'],
    ['strict', 'strict', 'strict', 'user'],
  ])('of a user who says %s on a machine that says %s is %s', async (user, machine, profile, chosenBy) => {
    const home = await temporaryDirectory();
    const machineSettings = join(home, 'machine.json');
    if (user !== undefined) await chooseProfile(home, user);
    if (machine !== undefined) await writeFile(machineSettings, JSON.stringify({ profile: machine }));
    expect(await readProfile(home, machineSettings)).toEqual({ profile, chosenBy });
  });

  test('is written beside what else the user has set, for the user alone', async () => {
    const home = await temporaryDirectory();
    await mkdir(join(home), { recursive: true });
    await writeFile(join(home, 'settings.json'), '{"model": "a/b"}');
    await chooseProfile(home, 'strict');
    expect(JSON.parse(await readFile(join(home, 'settings.json'), 'utf8'))).toEqual({ model: 'a/b', profile: 'strict' });
    expect((await stat(join(home, 'settings.json'))).mode & 0o777).toBe(0o600);
  });

  test('that is not understood is an error: it may have meant `locked`', async () => {
    const home = await temporaryDirectory();
    for (const text of ['{"profile": "lockd"}', '{"profile": 1}', '[]', '{']) {
      await writeFile(join(home, 'settings.json'), text);
      await expect(readProfile(home)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    }
    expect(() => parseProfile('lockd')).toThrow('`lockd` is not a profile');
  });
});
