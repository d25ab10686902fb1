/**
 * Keeps the tables of PACKAGE_FORMAT.md equal to the code: `--check` exits with 1 when they differ, `--write` renews them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  consentLevel,
  describePermission,
  formatPermission,
  MEMBERS,
  parsePermission,
  permissionSet,
  PLAIN_AREAS,
  type MemberRow,
  type Permission,
} from '../format/index.ts';

/** At least one permission of every area that takes an argument; the plain areas follow from the code. */
const EXAMPLES: readonly string[] = [
  'fs:read',
  'fs:read:./docs',
  'fs:read:./src/**/*.ts',
  'fs:read:~/notes',
  'fs:read:/etc/hosts',
  'fs:read:./.env',
  'fs:write',
  'fs:write:./output',
  'fs:write:./package.json',
  'fs:write:data:/',
  'fs:write:tmp:/',
  'net:api.github.com',
  'net:GET:api.github.com/repos',
  'net:*.example.com',
  'net:example.com:80',
  'net:localhost:3000',
  'net:[::1]:3000',
  'net:cidr:10.0.0.0/8',
  'listen:8080',
  'exec:git',
  'exec:git status',
  'env:LANG',
  'env:GITHUB_TOKEN',
  'secret:GITHUB_TOKEN@api.github.com',
  'secret:GITLAB_TOKEN@gitlab.com header private-token',
  'model',
  'model:anthropic/claude-sonnet',
  'provider:llm.example.com',
  'tool:@scope/package/search',
  'tool:host/read',
  'tools:override:read',
  ...PLAIN_AREAS,
];

const TABLES: Readonly<Record<string, () => string>> = { permissions: permissionTable, members: memberTable };

/** Gives the page with every table between `<!-- table: NAME -->` and `<!-- end -->` renewed. */
export function renewTables(page: string): string {
  return page.replaceAll(/(<!-- table: (\w+) -->\n)[^]*?(<!-- end -->)/g, (_, start: string, name: string, end: string) => {
    const table = TABLES[name];
    if (table === undefined) throw new Error(`there is no table \`${name}\``);
    return `${start}\n${table()}\n\n${end}`;
  });
}

/** Permissions the table shows. */
export function examplePermissions(): Permission[] {
  return EXAMPLES.map(parsePermission);
}

function permissionTable(): string {
  const rows = examplePermissions().map((permission) => [
    `\`${formatPermission(permission)}\``,
    describePermission(permission),
    consentLevel(permission, permissionSet([permission])),
  ]);
  return markdownTable(['Permission', 'What the user reads', 'Level, asked alone'], rows);
}

function memberTable(): string {
  const where: Readonly<Record<MemberRow['kind'], string>> = { api: 'dash.', ui: 'ctx.ui.', context: 'ctx.', event: '' };
  const permissions = (texts: readonly string[]): string => (texts.length === 0 ? '–' : texts.map((text) => `\`${text}\``).join(' '));
  const rows = MEMBERS.map((row) => [
    row.kind === 'event' ? `event \`${row.name}\`` : `\`${where[row.kind]}${row.name}\``,
    row.delivered ? permissions(row.needs) : 'never delivered',
    row.sees,
    row.mayChange + (row.toChange.length === 0 ? '' : ` (with ${permissions(row.toChange)})`),
  ]);
  return markdownTable(['Member or event', 'Needs', 'Sees', 'May change'], rows);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (import.meta.main) {
  const path = new URL('../PACKAGE_FORMAT.md', import.meta.url);
  const page = readFileSync(path, 'utf8');
  const renewed = renewTables(page);
  if (process.argv.includes('--write')) {
    writeFileSync(path, renewed);
  } else if (process.argv.includes('--check')) {
    if (renewed !== page) {
      console.error('PACKAGE_FORMAT.md differs from the code\nhint: run `node scripts/generate-format-tables.ts --write`');
      process.exitCode = 1;
    }
  } else {
    console.error('usage: node scripts/generate-format-tables.ts --check | --write');
    process.exitCode = 2;
  }
}
