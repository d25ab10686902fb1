import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'dash-skills-cli-'));
const project = join(base, 'project');

function dash(...args: string[]) {
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'bin/dash.js'), ...args, '--json'], {
    cwd: project,
    env: { PATH: process.env['PATH'], HOME: join(base, 'home'), DASH_HOME: join(base, 'home/.dash') },
    encoding: 'utf8',
  });
  return { status, document: JSON.parse(stdout) };
}

beforeAll(() => {
  const files = {
    'home/.dash/skills/greet/SKILL.md': '---\nname: greet\ndescription: Greets people politely.\n---\nSay hello.\n',
    'home/.agents/skills/invoices/SKILL.md': '---\nname: invoices\ndescription: Writes bills for customers.\n---\nAdd the tax.\n',
    'project/.claude/skills/deploy/SKILL.md': '---\nname: deploy\ndescription: Deploys this project.\n---\nPush.\n',
    'project/.agents/skills/greet/SKILL.md': '---\nname: greet\ndescription: Greets as the project wants.\n---\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), text);
  }
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('`dash skills`', () => {
  it('lists what the agent has here, and what a project brings only when it is trusted', () => {
    const names = ({ skills }: { skills: { name: string; source: string }[] }) =>
      skills
        .filter(({ source }) => source !== 'dash')
        .map(({ name, source }) => `${name} of ${source}`)
        .sort();
    expect(names(dash('skills', 'list').document)).toEqual(['greet of user', 'invoices of user']);
    expect(dash('skills', 'list').document.skills.filter(({ source }: { source: string }) => source === 'dash')).toHaveLength(4);
    const trusted = dash('skills', 'list', '--trust-project').document;
    expect(names(trusted)).toEqual(['deploy of project', 'greet of user', 'invoices of user']);
    expect(trusted.diagnostics.map(({ code }: { code: string }) => code)).toEqual(['SKILL_COLLISION']);
  });

  it('lets settings choose who keeps a name', () => {
    writeFileSync(join(base, 'home/.dash/settings.json'), JSON.stringify({ skills: { prefer: { greet: 'project' } } }));
    expect(dash('skills', 'show', 'greet', '--trust-project').document).toMatchObject({ description: 'Greets as the project wants.', source: 'project' });
    expect(dash('skills', 'show', 'greet').document).toMatchObject({ description: 'Greets people politely.', source: 'user', body: 'Say hello.\n' });
  });

  it('finds by what is wanted, and names a near one', () => {
    expect(dash('skills', 'find', 'bill', 'a', 'customer').document.skills[0]).toMatchObject({ name: 'invoices', score: expect.any(Number) });
    expect(dash('skills', 'show', 'gret')).toMatchObject({ status: 7, document: { error: { code: 'SKILL_NOT_FOUND', hint: 'did you mean `greet`?' } } });
  });
});

describe('`dash audit`', () => {
  it('says what is declared beside what is named, and of a link where it leads', () => {
    const dir = join(base, 'audited');
    mkdirSync(dir);
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'audited', version: '1.0.0', dash: { permissions: ['net:api.example.com'] } }));
    writeFileSync(join(dir, 'run.sh'), 'curl https://api.example.com https://other.example.com\n');
    const audit = () => dash('audit', dir);
    const [line, declared, undeclared] = [{ path: 'run.sh', line: 1 }, { declared: true }, { declared: false }];
    expect(audit()).toMatchObject({
      status: 0,
      document: {
        verdict: 'pass',
        authority: {
          declared: ['net:api.example.com'],
          observed: [
            { permission: 'exec:curl', ...line, ...undeclared },
            { permission: 'net:api.example.com', ...line, ...declared },
            { permission: 'net:other.example.com', ...line, ...undeclared },
          ],
        },
      },
    });
    symlinkSync('/etc/hostname', join(dir, 'notes.md'));
    expect(audit()).toMatchObject({ status: 6, document: { verdict: 'fail', findings: [{ rule: 'link-outside', path: 'notes.md' }] } });
  });
});
