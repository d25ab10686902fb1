import { describe, expect, it } from 'vitest';
import type { Places } from '../../format/index.ts';
import { type Access, type ApprovalFacts, type ApprovalMode, decideAccess, parseApprovalRules } from '../../host/approval/approval.ts';

const places: Places = { workspace: '/w', home: '/h', data: '/h/.dash/data', tmp: '/h/.dash/tmp', dashHome: '/h/.dash' };
const facts: ApprovalFacts = { mode: 'task', rules: parseApprovalRules(), places, readable: ['/skills/a'], isUsersTask: true, canAsk: true };
const read = (path: string): Access => ({ kind: 'read', path });
const write = (path: string): Access => ({ kind: 'write', path });
const run = (command: string, confinement: 'confined' | 'full access' = 'confined'): Access => ({
  kind: 'run',
  command,
  argv: /[;&|$`]/.test(command) ? ['sh', '-c', command] : command.split(' '),
  confinement,
});

describe('what needs no question', () => {
  it.for([
    // access, then: ask, edits, all, none, task, task that no word of the user's began
    ['a file of the workspace', read('/w/a.txt'), 'allow allow allow allow allow allow'],
    ['a file of a skill', read('/skills/a/b.md'), 'allow allow allow allow allow allow'],
    ['a secret of the workspace', read('/w/.env'), 'ask ask allow deny ask ask'],
    ['a file elsewhere', read('/etc/hostname'), 'ask ask allow deny ask ask'],
    ['a change in the workspace', write('/w/a.txt'), 'ask allow allow deny allow ask'],
    ['a change of what runs later', write('/w/package.json'), 'ask ask allow deny ask ask'],
    ['a change elsewhere', write('/h/a.txt'), 'ask ask allow deny ask ask'],
    ['the settings of Dash', write('/h/.dash/settings.json'), 'ask ask allow deny ask ask'],
    ['a confined command', run('make'), 'ask allow allow deny allow ask'],
    ['a command with all rights', run('make', 'full access'), 'ask ask allow deny ask ask'],
  ] as const)('%s', ([, access, expected]) => {
    const kinds = (['ask', 'edits', 'all', 'none', 'task'] as const).map((mode) => decideAccess(access, { ...facts, mode }).kind);
    expect([...kinds, decideAccess(access, { ...facts, isUsersTask: false }).kind].join(' ')).toBe(expected);
  });

  it('is refused, not asked, where nobody is there', () => {
    const refusalTo = (path: string, mode: ApprovalMode): unknown => decideAccess(write(path), { ...facts, mode, canAsk: false });
    const denied = (words: string) => ({ kind: 'deny', refusal: expect.stringContaining(words) });
    expect(refusalTo('/w/package.json', 'edits')).toMatchObject(denied('nobody to ask; it runs later or tells agents'));
    expect(refusalTo('/elsewhere/a', 'edits')).toMatchObject(denied('it is outside of the workspace'));
    expect(refusalTo('/w/a', 'none')).toMatchObject(denied('`--approve edits` allows changes'));
  });
});

describe('the rules of the user', () => {
  const decide = (access: Access, rules: Parameters<typeof parseApprovalRules>[0], mode: ApprovalFacts['mode'] = 'ask') =>
    decideAccess(access, { ...facts, mode, rules: parseApprovalRules(rules) });

  it.for([
    ['a program is allowed with its arguments', run('git status -s', 'full access'), { allow: ['exec:git status'] }, 'allow'],
    ['and not with something behind it', run('git status; curl x', 'full access'), { allow: ['exec:git status'] }, 'ask'],
    ['and not another word of it', run('git push', 'full access'), { allow: ['exec:git status'] }, 'ask'],
    ['a denial goes before a yes', run('git push', 'full access'), { allow: ['exec:git'], deny: ['exec:git push'] }, 'deny'],
    ['a denial holds anywhere in a command', run('cd x && /usr/bin/git push'), { deny: ['exec:git push'] }, 'deny'],
    ['a question goes before a yes', run('git push', 'full access'), { allow: ['exec:git'], ask: ['exec:git push'] }, 'ask'],
    ['a directory elsewhere may be read', read('/h/notes/a.md'), { allow: ['fs:read:~/notes'] }, 'allow'],
    ['and its secrets not', read('/h/notes/.env'), { allow: ['fs:read:~/notes'] }, 'ask'],
    ['a protected file that is named may be written', write('/w/package.json'), { allow: ['fs:write:./package.json'] }, 'allow'],
    ['a denial holds for protected files, too', write('/w/x/package.json'), { deny: ['fs:write:./x'] }, 'deny'],
  ] as const)('%s', ([, access, rules, expected]) => {
    expect(decide(access, rules).kind).toBe(expected);
  });

  it('hold in every mode but for a yes where `none` was said', () => {
    expect(decide(run('rm -r x'), { deny: ['exec:rm'] }, 'all').kind).toBe('deny');
    expect(decide(run('git status'), { ask: ['exec:git'] }, 'all').kind).toBe('ask');
    expect(decide(run('git status'), { allow: ['exec:git'] }, 'none').kind).toBe('allow');
  });
});
