import { THEME_COLORS } from './theme-colors.ts';
import { Color, ThemeFile } from './theme.ts';

/** The JSON Schema of a theme, for editors: what {@link parseTheme} reads, with the name and the purpose of each colour. */
export function themeSchema(): object {
  const { properties, ...schema } = ThemeFile;
  const colors = Object.entries(THEME_COLORS).map(([name, description]) => [name, { ...Color, description }]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A theme for Dash and pi',
    ...schema,
    additionalProperties: false,
    properties: {
      $schema: { type: 'string', description: 'where this schema lies' },
      name: { ...properties.name, description: 'what the theme is called' },
      vars: { ...properties.vars, description: 'colours with names of your own, for use below' },
      colors: { type: 'object', properties: Object.fromEntries(colors), additionalProperties: false },
      export: {
        type: 'object',
        description: 'the colours of exported pages',
        properties: {
          pageBg: { ...Color, description: 'behind everything' },
          cardBg: { ...Color, description: 'behind a message' },
          infoBg: { ...Color, description: 'behind what is told besides' },
        },
        additionalProperties: false,
      },
    },
  };
}
