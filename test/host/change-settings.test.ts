import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changeSetting, settingRows } from '../../host/settings/change-settings.ts';

async function home(settings?: object) {
  const path = await mkdtemp(join(tmpdir(), 'dash-test-'));
  if (settings !== undefined) await writeFile(join(path, 'settings.json'), JSON.stringify(settings));
  return {
    path,
    read: async (): Promise<unknown> => JSON.parse(await readFile(join(path, 'settings.json'), 'utf8')),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

describe('a setting', () => {
  test('is written beside what else is in the file, known or not, for the user alone', async () => {
    await using place = await home({ model: 'a/b', ofAnotherProgram: [1], compaction: { reserveTokens: 9 } });
    await changeSetting(place.path, ['compaction', 'enabled'], false);
    await changeSetting(place.path, ['theme'], 'light');
    expect(await place.read()).toEqual({ model: 'a/b', ofAnotherProgram: [1], compaction: { reserveTokens: 9, enabled: false }, theme: 'light' });
    expect((await stat(join(place.path, 'settings.json'))).mode & 0o777).toBe(0o600);
  });

  test('is taken out, with its group where nothing else is set in it', async () => {
    await using place = await home({ images: { block: true }, thinking: 'high' });
    await changeSetting(place.path, ['images', 'block'], undefined);
    expect(await place.read()).toEqual({ thinking: 'high' });
  });

  test.each([
    [['thinking'], 'very much'],
    [['retry', 'attempts'], Number('three')],
    [['retry', 'attempts'], 11],
    [['approve'], 'all'],
  ])('%j cannot be %j, and the file stays', async (path, value) => {
    await using place = await home({ thinking: 'low' });
    await expect(changeSetting(place.path, path, value)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(await place.read()).toEqual({ thinking: 'low' });
  });

  test('is listed with what it means, what it is, what it is without, and what it can be', async () => {
    await using place = await home({ thinking: 'low' });
    const rows = await settingRows(place.path);
    const row = (name: string) => rows.find(({ path }) => path.join('.') === name);
    expect(row('thinking')).toMatchObject({ value: 'low', fallback: undefined, choices: ['minimal', 'low', 'medium', 'high', 'xhigh'] });
    expect(row('images.block')).toMatchObject({ value: undefined, fallback: false, choices: [true, false] });
    expect(row('retry.attempts')).toMatchObject({ fallback: 3, choices: undefined, typed: 'number' });
    expect(row('tools')).toBeUndefined(); // a list
    expect(rows.every(({ description }) => description !== '')).toBe(true);
  });

  test('of two who write at once, none is lost', async () => {
    await using place = await home({});
    await Promise.all([
      changeSetting(place.path, ['theme'], 'dark'),
      changeSetting(place.path, ['thinking'], 'high'),
      changeSetting(place.path, ['images', 'block'], true),
    ]);
    expect(await place.read()).toEqual({ theme: 'dark', thinking: 'high', images: { block: true } });
  });
});
