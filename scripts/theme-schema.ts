import { writeFileSync } from 'node:fs';
import { themeSchema } from '../skills-lib/index.ts';

/** Writes the JSON Schema of a theme, which `dash create theme` puts beside it: `npm run theme:schema`. */
writeFileSync(new URL('../starter-templates/theme/theme.schema.json', import.meta.url), `${JSON.stringify(themeSchema(), undefined, 2)}\n`);
