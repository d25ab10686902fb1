import { describe, expect, it } from 'vitest';
import { conventionalManifest, narrowResources, parseManifest, resolveResources, type PackageManifest } from '../../format/index.ts';

const manifestOf = (section: object, key = 'dash'): PackageManifest => parseManifest(JSON.stringify({ name: 'a', [key]: section }), 'package.json');
const extensionsOf = (entries: string[], files: string[], readText?: (path: string) => string | undefined) =>
  resolveResources(manifestOf({ extensions: entries }, 'pi'), files, readText);

describe('resolveResources', () => {
  /** Entries, files of the package, what is found. */
  const extensions: readonly (readonly [string[], string[], string[]])[] = [
    [['./src/index.ts'], ['src/index.ts'], ['src/index.ts']],
    [['src/index.ts'], ['src/index.ts'], ['src/index.ts']],
    [['.\\src\\index.ts'], ['src/index.ts'], ['src/index.ts']],
    [['./a/../src/index.ts'], ['src/index.ts'], ['src/index.ts']],
    [['./ext'], ['ext/index.ts', 'ext/other.ts'], ['ext/index.ts']],
    [['./ext/'], ['ext/index.mjs'], ['ext/index.mjs']],
    [['./ext'], ['ext/index.js', 'ext/index.ts'], ['ext/index.ts']],
    [['./ext'], ['ext/b.ts', 'ext/a.js', 'ext/c.md', 'ext/types.d.ts', 'ext/a.test.ts'], ['ext/a.js', 'ext/b.ts']],
    [['./ext'], ['ext/one/index.ts', 'ext/one/more.ts', 'ext/two/other.ts', 'ext/three.ts'], ['ext/one/index.ts', 'ext/three.ts']],
    [['./ext'], ['ext/.hidden.ts', 'ext/node_modules/x/index.ts', 'ext/a.ts'], ['ext/a.ts']],
    [['.'], ['index.ts', 'package.json'], ['index.ts']],
    [['./src/*.ts'], ['src/a.ts', 'src/b.ts', 'src/deep/c.ts', 'src/.d.ts'], ['src/a.ts', 'src/b.ts']],
    [['./src/**/*.ts'], ['src/a.ts', 'src/deep/c.ts', 'src/node_modules/x.ts'], ['src/a.ts', 'src/deep/c.ts']],
    [['./ext/*'], ['ext/one/index.ts', 'ext/a.ts'], ['ext/a.ts', 'ext/one/index.ts']],
    [['./{a,b}/*.ts'], ['a/x.ts', 'b/y.ts', 'c/z.ts'], ['a/x.ts', 'b/y.ts']],
    [['./[ab]*.ts'], ['a1.ts', 'b.ts', 'c.ts'], ['a1.ts', 'b.ts']],
    [['./v?.ts'], ['v1.ts', 'v10.ts'], ['v1.ts']],
    [['./src/*.ts', '!**/b.ts'], ['src/a.ts', 'src/b.ts'], ['src/a.ts']],
    [['./src/*.ts', '!b.ts'], ['src/a.ts', 'src/b.ts'], ['src/a.ts']],
    [['./src/*.ts', '!src/*', '+src/b.ts'], ['src/a.ts', 'src/b.ts'], ['src/b.ts']],
    [['./src/*.ts', '+src/b.ts', '-./src/b.ts'], ['src/a.ts', 'src/b.ts'], ['src/a.ts']],
    [['./.pi/x.ts'], ['.pi/x.ts'], ['.pi/x.ts']],
    [
      ['./b.ts', './a.ts', './b.ts'],
      ['a.ts', 'b.ts'],
      ['b.ts', 'a.ts'],
    ],
    [['./node_modules/x/ext/*.ts'], ['node_modules/x/ext/a.ts'], ['node_modules/x/ext/a.ts']],
  ];
  it.each(extensions)('finds for extensions %j in %j: %j', (entries, files, found) => {
    expect(extensionsOf(entries, files)).toEqual({ resources: { extensions: found, skills: [], prompts: [], themes: [] }, diagnostics: [] });
  });

  it('reads the package.json of a folder of extensions', () => {
    const files = ['ext/one/package.json', 'ext/one/src/main.ts', 'ext/one/index.ts', 'ext/two/package.json', 'ext/two/index.ts'];
    const texts: Record<string, string> = {
      'ext/one/package.json': '{"pi": {"extensions": ["./src/main.ts", "../../../etc/x.ts"]}}',
      'ext/two/package.json': '{ broken',
    };
    expect(extensionsOf(['./ext'], files, (path) => texts[path]).resources.extensions).toEqual(['ext/one/src/main.ts', 'ext/two/index.ts']);
    expect(extensionsOf(['./ext'], files).resources.extensions).toEqual(['ext/one/index.ts', 'ext/two/index.ts']);
  });

  it.each(['../x.ts', './a/../../x.ts', '/etc/x.ts', '~/x.ts', 'C:\\x.ts', '../*.ts'])('reports %s, which leaves the package', (entry) => {
    const { resources, diagnostics } = extensionsOf([entry, './a.ts'], ['a.ts']);
    expect(resources.extensions).toEqual(['a.ts']);
    expect(diagnostics).toMatchObject([{ severity: 'error', code: 'ENTRY_OUTSIDE_PACKAGE' }]);
  });

  it('reports what is missing', () => {
    const { diagnostics } = extensionsOf(['./dist/index.js', './none/*.ts', './empty'], ['empty/readme.txt']);
    expect(diagnostics).toMatchObject([
      { severity: 'error', code: 'ENTRY_NOT_FOUND', message: expect.stringContaining('may have to be built') },
      { severity: 'warning', code: 'ENTRY_NOT_FOUND', message: expect.stringContaining('matches nothing') },
      { severity: 'warning', code: 'ENTRY_NOT_FOUND', message: expect.stringContaining('a folder without extensions') },
    ]);
  });

  it('finds skills by their file, lower case too, and does not look below one', () => {
    const files = [
      'skills/a/SKILL.md',
      'skills/a/references/SKILL.md',
      'skills/b/skill.md',
      'skills/group/c/SKILL.md',
      'skills/lone.md',
      'skills/README.md',
      'skills/group/notes.md',
      'skills/.d/SKILL.md',
    ];
    expect(resolveResources(manifestOf({}), files).resources.skills).toEqual([
      'skills/a/SKILL.md',
      'skills/b/skill.md',
      'skills/group/c/SKILL.md',
      'skills/lone.md',
    ]);
    expect(resolveResources(manifestOf({ skills: ['./skills/a', './skills/group/notes.md'] }), files).resources.skills).toEqual([
      'skills/a/SKILL.md',
      'skills/group/notes.md',
    ]);
    expect(resolveResources(manifestOf({ skills: ['./skills', '!a'] }), files).resources.skills).not.toContain('skills/a/SKILL.md');
  });

  it('takes a folder without package.json for extensions, where nothing else in it says what it is', () => {
    const of = (files: string[]) => resolveResources(conventionalManifest('mine', '0.0.0'), files).resources;
    expect(of(['b.ts', 'a.js', 'types.d.ts', 'part/index.ts', 'part/more.ts', 'notes/x.md'])).toMatchObject({ extensions: ['a.js', 'b.ts', 'part/index.ts'] });
    expect(of(['index.ts', 'more.ts'])).toMatchObject({ extensions: ['index.ts'] });
    expect(of(['a.ts', 'deploy/SKILL.md'])).toMatchObject({ extensions: [], skills: ['deploy/SKILL.md'] });
    expect(of(['a.ts', 'prompts/p.md'])).toMatchObject({ extensions: [], prompts: ['prompts/p.md'] });
    expect(of(['index.js', 'package.json'])).toMatchObject({ extensions: [] });
  });

  it('finds prompts and themes', () => {
    const files = ['prompts/a.md', 'prompts/deep/b.md', 'prompts/README.md', 'prompts/c.txt', 'themes/dark.json', 'themes/x.md'];
    expect(resolveResources(manifestOf({}), files).resources).toEqual({
      extensions: [],
      skills: [],
      prompts: ['prompts/a.md', 'prompts/deep/b.md'],
      themes: ['themes/dark.json'],
    });
  });

  it('looks at the folder of a kind that `dash` leaves out, not of one it empties, and never beside `pi`', () => {
    const files = ['extensions/a.ts', 'skills/s/SKILL.md', 'prompts/p.md'];
    expect(resolveResources(manifestOf({ skills: [] }), files).resources).toEqual({
      extensions: ['extensions/a.ts'],
      skills: [],
      prompts: ['prompts/p.md'],
      themes: [],
    });
    expect(resolveResources(manifestOf({ prompts: ['./prompts'] }, 'pi'), files).resources).toEqual({
      extensions: [],
      skills: [],
      prompts: ['prompts/p.md'],
      themes: [],
    });
  });

  it.each([
    [['SKILL.md', 'scripts/a.sh'], ['SKILL.md']],
    [
      ['README.md', 'pdf/SKILL.md', 'docx/SKILL.md', 'docx/reference.md'],
      ['docx/SKILL.md', 'pdf/SKILL.md'],
    ],
    [
      ['category/one/SKILL.md', 'template/SKILL.md', 'notes.md'],
      ['category/one/SKILL.md', 'template/SKILL.md'],
    ],
  ])('finds the skills of a plain repository with %j', (files, skills) => {
    expect(resolveResources(conventionalManifest('skills', '1.0.0'), files).resources.skills).toEqual(skills);
  });

  it('ends quickly on a glob made to be slow', () => {
    const glob = `./${'*a'.repeat(200)}b/${'**/'.repeat(50)}x.ts`;
    expect(extensionsOf([glob, `./${'{a,b}'.repeat(30)}*`], [`${'a'.repeat(250)}/y.ts`]).resources.extensions).toEqual([]);
  });
});

describe('narrowResources', () => {
  const all = { extensions: ['src/a.ts', 'src/b.ts'], skills: ['skills/x/SKILL.md', 'skills/y/SKILL.md'], prompts: ['p.md'], themes: [] };

  it('leaves, empties and filters kinds', () => {
    expect(narrowResources(all, { extensions: [], skills: ['!x'] })).toEqual({ extensions: [], skills: ['skills/y/SKILL.md'], prompts: ['p.md'], themes: [] });
    expect(narrowResources(all, { extensions: ['src/*.ts', '!b.ts'], skills: ['-skills/y'] })).toMatchObject({
      extensions: ['src/a.ts'],
      skills: ['skills/x/SKILL.md'],
    });
  });

  it('never adds what the package does not bring', () => {
    expect(narrowResources(all, { extensions: ['+other.ts', 'other.ts'] }).extensions).toEqual([]);
  });
});
