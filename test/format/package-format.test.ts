import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { manifestSchemas, NO_READ, NO_WRITE, parseManifest, parsePermission } from '../../format/index.ts';
import { examplePermissions, renewTables } from '../../scripts/generate-format-tables.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}PACKAGE_FORMAT.md`, 'utf8');
const AREA = /^!?(fs|net|listen|exec|env|secret|model|provider|tools?|session|prompt|agent|ui|clipboard):/;

/** What stands in quotes and looks like a permission; `…`, `{{` and the grammar's own `*.suffix` are to be filled in. */
function permissionsIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`|"([^"\n]+)"/g)]
    .map(([, code, quoted]) => code ?? quoted ?? '')
    .filter((candidate) => AREA.test(candidate) && !/…|\{\{|\s\||:$|\*\.suffix$/.test(candidate));
}

describe('PACKAGE_FORMAT.md', () => {
  it('has the tables of the code', () => {
    expect(renewTables(page) === page, 'run `node scripts/generate-format-tables.ts --write`').toBe(true);
    expect(page).toContain('| `fs:read` | read files in the workspace | quiet |');
  });

  it('shows a permission of every area', () => {
    const areas = new Set(examplePermissions().map(({ area }) => area));
    // every area the parser knows is in the hint of what it refuses or is plain; the union of types is checked by the compiler here
    const all: Record<typeof areas extends Set<infer A extends string> ? A : never, true> = {
      'fs:read': true,
      'fs:write': true,
      net: true,
      listen: true,
      exec: true,
      env: true,
      secret: true,
      model: true,
      provider: true,
      tool: true,
      'tools:override': true,
      'model:credentials': true,
      'session:read': true,
      'session:write': true,
      'session:control': true,
      'prompt:modify': true,
      'agent:spawn': true,
      background: true,
      'tools:intercept': true,
      'tools:dynamic': true,
      'ui:notify': true,
      'ui:prompt': true,
      'ui:panel': true,
      'ui:keys': true,
      'clipboard:read': true,
      'clipboard:write': true,
      wasm: true,
      node: true,
    };
    expect([...areas].sort()).toEqual(Object.keys(all).sort());
  });

  it('has examples that parse', () => {
    const examples = [...page.matchAll(/```json\n([^]*?)```/g)].map(([, example = '']) => example);
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const example of examples) parseManifest(example, 'PACKAGE_FORMAT.md');
  });

  it('has every field of the schemas', () => {
    const { dashManifest, packageJson, permissionRequest } = manifestSchemas();
    for (const field of Object.keys(dashManifest.properties)) expect(page, field).toContain(`| \`${field}\` |`);
    for (const field of [...Object.keys(packageJson.properties), ...Object.keys(permissionRequest.properties)]) expect(page, field).toContain(`\`${field}\``);
  });

  it('uses every field of the schema in its first example', () => {
    const [, example = ''] = /```json\n([^]*?)```/.exec(page) ?? [];
    const { dash } = JSON.parse(example) as { dash: object };
    expect(Object.keys(dash).sort()).toEqual(Object.keys(manifestSchemas().dashManifest.properties).sort());
  });

  it('names protected files that are protected', () => {
    const [, secrets = '', executors = ''] = /\*\*Protected files\.\*\* Secrets \(([^)]*)\)[^(]*\(([^)]*)\)/.exec(page) ?? [];
    const names = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.toLowerCase());
    const ruled = (list: typeof NO_READ, name: string) => list.some((rule) => rule.join('/') === name || rule.join('/').startsWith(name.replace('.*', '.')));
    expect(names(secrets).length).toBeGreaterThan(5);
    for (const name of names(secrets)) expect(ruled(NO_READ, name), name).toBe(true);
    expect(names(executors).length).toBeGreaterThan(5);
    for (const name of names(executors)) expect(ruled(NO_WRITE, name), name).toBe(true);
  });
});

describe('permissions in texts', () => {
  const files = [
    'PACKAGE_FORMAT.md',
    'README.md',
    'ARCHITECTURE.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    'docs/**/*.md',
    'starter-templates/**/*.{md,json}',
    'skills-lib/skills/**/*.md',
  ].flatMap((pattern) => globSync(pattern, { cwd: root }));

  it('are found', () => {
    expect(files.flatMap((file) => permissionsIn(readFileSync(root + file, 'utf8'))).length).toBeGreaterThan(30);
    expect(permissionsIn('`fs:read:./x` and "net:a.com", not `exec:…` or `fs:`')).toEqual(['fs:read:./x', 'net:a.com']);
  });

  it.each(files)('parse in %s', (file) => {
    for (const text of permissionsIn(readFileSync(root + file, 'utf8'))) expect(() => parsePermission(text), text).not.toThrow();
  });
});
