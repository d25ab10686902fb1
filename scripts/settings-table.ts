import { readFileSync, writeFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { PROJECT_KEYS, Settings } from '../host/settings/settings-schema.ts';

/** `node scripts/settings-table.ts`: writes the table of docs/settings.md from the schema. No line of it is typed. */
export const PAGE = new URL('../docs/settings.md', import.meta.url);

export function settingsPage(page: string): string {
  const rows = Object.entries(Settings.properties).flatMap(([key, schema]) =>
    rowsOf(
      key,
      schema,
      PROJECT_KEYS.some((name) => name === key),
    ),
  );
  const table = `| key | what | default | a project too |\n|---|---|---|---|\n${rows.join('')}`;
  return page.replace(/\| key \|[^]*?(?=\n\n|$)/, () => table.trimEnd());
}

const Group = Type.Object({ properties: Type.Record(Type.String(), Type.Unknown()) });
const Described = Type.Object({ description: Type.String(), default: Type.Optional(Type.Unknown()) });

function rowsOf(key: string, schema: unknown, project: boolean): string[] {
  if (Value.Check(Group, schema)) return Object.entries(schema.properties).flatMap(([name, inner]) => rowsOf(`${key}.${name}`, inner, project));
  if (!Value.Check(Described, schema)) throw new Error(`the setting ${key} says nothing of itself`);
  const fallback = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
  return [`| \`${key}\` | ${schema.description.replaceAll('|', '\\|')} | ${fallback} | ${project ? 'yes' : ''} |\n`];
}

if (import.meta.main) writeFileSync(PAGE, settingsPage(readFileSync(PAGE, 'utf8')));
