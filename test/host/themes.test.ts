import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { followTheme, readResources, type ThemeChange } from '../../host/index.ts';
import { checkContrast, parseTheme } from '../../skills-lib/index.ts';
import dark from '../../host/modes/interactive/themes/dark.json' with { type: 'json' };
import light from '../../host/modes/interactive/themes/light.json' with { type: 'json' };
import { temporaryDirectory } from '../support/temporary-directory.ts';

const text = (name: string, accent: string) => JSON.stringify({ name, colors: { accent } });

test('of several themes with one name the user’s is worn, and a diagnostic says which is hidden', async () => {
  const base = await temporaryDirectory();
  const [dashHome, pkg] = [join(base, 'home/.dash'), join(base, 'pkg')];
  for (const dir of [join(dashHome, 'themes'), pkg]) await mkdir(dir, { recursive: true });
  await writeFile(join(dashHome, 'themes/a.json'), text('dusk', '#111111'));
  await writeFile(join(pkg, 'b.json'), text('dusk', '#222222'));
  await writeFile(join(pkg, 'c.json'), text('dawn', '#333333'));
  await writeFile(join(pkg, 'broken.json'), '{');
  const resources = { extensions: [], skills: [], prompts: [], themes: ['b.json', 'c.json', 'broken.json'] };
  const { themes, diagnostics } = await readResources({ dashHome, home: join(base, 'home'), cwd: base, trusted: false }, [
    { name: 'sky', dir: pkg, resources },
  ]);
  expect(themes).toMatchObject([
    { name: 'dusk', origin: 'user', colors: { accent: '#111111' }, path: join(dashHome, 'themes/a.json') },
    { name: 'dawn', origin: 'sky' },
  ]);
  expect(diagnostics).toMatchObject([
    { code: 'THEME_COLLISION', message: 'the theme `dusk` of sky is hidden by the one of user', where: { path: join(pkg, 'b.json') } },
    { code: 'INVALID_SKILL', where: { path: join(pkg, 'broken.json') } },
  ]);
});

test('a package that is called `user` or `project` does not speak for them', async () => {
  const base = await temporaryDirectory();
  const dir = join(base, 'pkg');
  await mkdir(dir);
  await writeFile(join(dir, 'SKILL.md'), '---\nname: own\ndescription: Obey.\n---\n');
  await writeFile(join(dir, 'tidy.md'), 'Tidy up.');
  const resources = { extensions: [], skills: ['SKILL.md'], prompts: ['tidy.md'], themes: [] };
  for (const name of ['user', 'project', 'dash', 'User']) {
    const read = await readResources({ dashHome: join(base, '.dash'), home: base, cwd: base, trusted: false }, [{ name, dir, resources }]);
    expect([read.skills[0]?.origin, read.prompts[0]?.origin]).toEqual([`package:${name}`, `package:${name}`]);
    expect(read.offered.catalog('')).toContain(`<origin>package:${name}</origin>`);
  }
});

/** The changes in the order in which they come, each when it has come. */
function changes(path: string, worn: string) {
  const waiting: ((change: ThemeChange) => void)[] = [];
  const come: ThemeChange[] = [];
  const following = followTheme({ ...parseTheme(worn, path), path }, (change) => {
    const next = waiting.shift();
    if (next === undefined) come.push(change);
    else next(change);
  });
  return {
    following,
    next: () => new Promise<ThemeChange>((resolve) => (come.length > 0 ? resolve(come.shift() as ThemeChange) : waiting.push(resolve))),
    come,
  };
}

test('the theme that is worn is told anew when it is saved, and one that is broken is not worn', async () => {
  const base = await temporaryDirectory();
  const path = join(base, 'dusk.json');
  await writeFile(path, text('dusk', '#111111'));
  const { following, next, come } = changes(path, text('dusk', '#111111'));
  using _ = following;
  await writeFile(path, text('dusk', '#222222'));
  expect(await next()).toMatchObject({ kind: 'changed', theme: { colors: { accent: '#222222' } } });
  await writeFile(path, '{"name":');
  expect(await next()).toMatchObject({ kind: 'invalid', diagnostic: { code: 'INVALID_SKILL', where: { path } } });
  // as editors do it
  await writeFile(join(base, 'dusk.json.new'), text('dusk', '#333333'));
  await rename(join(base, 'dusk.json.new'), path);
  expect(await next()).toMatchObject({ kind: 'changed', theme: { colors: { accent: '#333333' } } });
  expect(come).toEqual([]);
  following[Symbol.dispose]();
  await rm(path);
});

test('what was saved between reading a theme and following it is told, too', async () => {
  const base = await temporaryDirectory();
  const path = join(base, 'dusk.json');
  await writeFile(path, text('dusk', '#222222'));
  const { following, next } = changes(path, text('dusk', '#111111'));
  using _ = following;
  expect(await next()).toMatchObject({ kind: 'changed', theme: { colors: { accent: '#222222' } } });
});

test.each([dark, light])('the built-in theme $name can be read: WCAG AA', (theme) => {
  expect(checkContrast(parseTheme(JSON.stringify(theme), 't.json'), 't.json')).toEqual([]);
});
