import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkColorNames, parseTheme, THEME_COLORS, themeSchema } from '../../../skills-lib/index.ts';

const template = join(import.meta.dirname, '../../../starter-templates/theme');
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

describe('the JSON Schema of a theme', () => {
  it('is the one that is shipped; `npm run theme:schema` writes it', () => {
    expect(read(join(template, 'theme.schema.json'))).toEqual(JSON.parse(JSON.stringify(themeSchema())));
  });

  it('has the colours that pi draws with, and the theme of the template sets them all', () => {
    const pi = join(dirname(fileURLToPath(import.meta.resolve('@earendil-works/pi-coding-agent'))), 'modes/interactive/theme/theme-schema.json');
    expect(Object.keys(THEME_COLORS).toSorted()).toEqual(Object.keys(read(pi).properties.colors.properties).toSorted());
    const theme = read(join(template, 'themes/{{short}}.json'));
    expect(Object.keys(theme.colors).toSorted()).toEqual(Object.keys(THEME_COLORS).toSorted());
    // where an editor looks for it
    expect(join(template, 'themes', theme.$schema)).toBe(join(template, 'theme.schema.json'));
  });

  it('names a colour in which nothing is drawn', () => {
    const theme = parseTheme(JSON.stringify({ name: 'mine', colors: { acent: 1, text: '', qqqqqqqqqqqq: 2 } }), 'mine.json');
    const unknown = checkColorNames(theme, 'mine.json').filter(({ code }) => code === 'UNKNOWN_COLOR');
    expect(unknown.map(({ message }) => message)).toEqual(['nothing is drawn in `acent`; did you mean `accent`?', 'nothing is drawn in `qqqqqqqqqqqq`']);
  });
});
