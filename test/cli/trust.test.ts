import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const base = realpathSync(mkdtempSync(join(tmpdir(), 'dash-trust-cli-')));
const project = join(base, 'home/project');
afterAll(() => rmSync(base, { recursive: true, force: true }));

function dash(...args: string[]) {
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'bin/dash.js'), ...args, '--json'], {
    cwd: project,
    env: { PATH: process.env['PATH'], HOME: join(base, 'home'), DASH_HOME: join(base, 'home/.dash') },
    encoding: 'utf8',
  });
  return { status, document: JSON.parse(stdout) };
}

it('`dash trust` lets the skills of a project in, shows what it trusts, and takes it back', () => {
  mkdirSync(join(project, '.git'), { recursive: true });
  mkdirSync(join(project, '.claude/skills/deploy'), { recursive: true });
  writeFileSync(join(project, '.claude/skills/deploy/SKILL.md'), '---\nname: deploy\ndescription: Deploys this project.\n---\nPush.\n');
  const names = (): string[] =>
    dash('skills', 'list')
      .document.skills.filter(({ source }: { source: string }) => source === 'project')
      .map(({ name }: { name: string }) => name);
  expect(dash('trust', '--dry-run').document).toEqual({ root: project, trusted: false, items: ['.claude/skills/deploy/SKILL.md'], changed: [] });
  expect(names()).toEqual([]);
  expect(dash('trust')).toMatchObject({ status: 0, document: { trusted: true } });
  expect(names()).toEqual(['deploy']);
  expect(dash('trust', '--revoke').document).toMatchObject({ trusted: false });
  expect(names()).toEqual([]);
});
