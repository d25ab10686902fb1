import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../cli/command-table.ts';
import { auditFiles, checkSkill } from '../../skills-lib/index.ts';

const root = join(import.meta.dirname, '../..');
const skills = join(root, 'skills-lib/skills');
const read = (name: string) => readFileSync(join(skills, name, 'SKILL.md'), 'utf8');

describe('the skills that come with Dash', () => {
  it.each(readdirSync(skills))('%s is strictly valid, and names only commands there are', (name) => {
    expect(checkSkill(read(name), join(skills, name, 'SKILL.md'))).toMatchObject({ strict: true, diagnostics: [] });
    expect(auditFiles([{ path: name, bytes: Buffer.from(read(name)) }]).findings).toEqual([]);
    for (const [, word] of read(name).matchAll(/`dash ([a-z]+)/g)) expect(COMMANDS.map((command) => command.name.split(' ')[0])).toContain(word);
  });

  it('whose steps for an extension give a package that passes `dash check`', () => {
    const directory = mkdtempSync(join(tmpdir(), 'dash-extension-'));
    try {
      const files = [...read('write-an-extension').matchAll(/^ {3}`([\w./]+)`:\n\n {3}```\w+\n([^]*?)^ {3}```$/gm)];
      expect(files.map(([, path]) => path)).toEqual(['package.json', 'README.md', 'src/index.ts']);
      for (const [, path = '', text = ''] of files) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text.replace(/^ {3}/gm, ''));
      }
      const { stdout, status } = spawnSync(process.execPath, [join(root, 'bin/dash.js'), 'check', '--json'], {
        cwd: directory,
        env: { PATH: process.env['PATH'], HOME: directory, DASH_HOME: join(directory, '.home') },
        encoding: 'utf8',
      });
      expect([status, JSON.parse(stdout)]).toEqual([0, { ok: true, diagnostics: [] }]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
