import { describe, expect, it } from 'vitest';
import { auditFiles, lookUpMentioned, type PackageStanding } from '../../../skills-lib/index.ts';

const NOW = new Date('2026-06-30T00:00:00Z');
const daysAgo = (days: number): PackageStanding => ({ kind: 'published', since: new Date(NOW.getTime() - days * 86_400_000) });

async function lookUp(text: string, known: Readonly<Record<string, PackageStanding>>, own?: string) {
  const asked: string[] = [];
  const audit = auditFiles([{ path: 'a/SKILL.md', bytes: Buffer.from(text) }]);
  const looked = await lookUpMentioned(audit, {
    now: NOW,
    own,
    lookUp: (name) => {
      asked.push(name);
      return Promise.resolve(known[name] ?? { kind: 'missing' });
    },
  });
  return { ...looked, asked };
}

describe('packages that a text tells to install', () => {
  it.each([
    ['npm install -D vitest@4 @types/node', ['npm:vitest', 'npm:@types/node']],
    ['run `npx -y tool --flag other`', ['npm:tool']],
    ['npx --package=a-tool b', ['npm:a-tool']],
    ['npx -p a-tool -p b-tool c', ['npm:a-tool', 'npm:b-tool']],
    ['npx one and then npx one npx two', ['npm:one', 'npm:two']],
    ['npm i -w app left-pad', ['npm:left-pad']],
    ['pnpm add -w left-pad', ['npm:left-pad']],
    ['bun run build && bun test x && bun add zod', ['npm:zod']],
    ['uvx --from a-lib cmd and uvx ruff check .', ['pip:a-lib', 'pip:ruff']],
    ['pip install -r requirements.txt requests[socks]==2.0 Some_Lib.', ['pip:requests', 'pip:some-lib']],
    ['pip install -e . and dash install npm:pack', ['npm:pack']],
    ['run npm install after that; npm install ./local; npm install', []],
    ['dash install git:github.com/a/b', []],
  ])('are found in %j', (text, expected) => {
    const { notLookedUp } = auditFiles([{ path: 'SKILL.md', bytes: Buffer.from(text) }]);
    expect(notLookedUp.map(({ registry, name }) => `${registry}:${name}`).toSorted()).toEqual(expected.toSorted());
  });

  it('are told with the place where they are named first, and nobody is asked', () => {
    const files = [
      { path: 'b.md', bytes: Buffer.from('npx tool') },
      { path: 'a.md', bytes: Buffer.from('# a\n\nnpx tool\n') },
    ];
    expect(auditFiles(files)).toMatchObject({ verdict: 'pass', notLookedUp: [{ registry: 'npm', name: 'tool', path: 'a.md', line: 3 }] });
    expect(auditFiles(files)).not.toHaveProperty('lookedUpAt');
  });

  it('fail the audit when they do not exist or are newborn, with name and age', async () => {
    const found = await lookUp('# x\nnpm i nobodys-thing fresh-thing old-thing', { 'fresh-thing': daysAgo(3), 'old-thing': daysAgo(400) });
    expect(found).toMatchObject({
      verdict: 'fail',
      notLookedUp: [],
      lookedUpAt: NOW.toISOString(),
      findings: [
        { rule: 'missing-package', severity: 'high', path: 'a/SKILL.md', line: 2, message: expect.stringContaining('`nobodys-thing`, which does not exist') },
        { rule: 'newborn-package', severity: 'high', line: 2, message: 'installs `fresh-thing`, which exists since 2026-06-27 (3 days)' },
      ],
    });
    expect((await lookUp('npm i old-thing', { 'old-thing': daysAgo(15) })).verdict).toBe('pass');
  });

  it('are not judged when nobody can say, and then nothing passes', async () => {
    const unknown: PackageStanding = { kind: 'unknown', why: 'the registry does not answer' };
    expect(await lookUp('npm i a-thing', { 'a-thing': unknown })).toMatchObject({
      verdict: 'error',
      findings: [],
      unread: [{ path: 'a/SKILL.md', why: 'nobody could say whether `a-thing` exists: the registry does not answer' }],
    });
    expect((await lookUp('npm i a-thing gone-thing', { 'a-thing': unknown })).verdict).toBe('fail');
  });

  it('cannot hide behind two hundred that exist', async () => {
    const names = Array.from({ length: 250 }, (_, at) => `thing-${at}`);
    const known = Object.fromEntries(names.map((name) => [name, daysAgo(100)]));
    const found = await lookUp(names.map((name) => `npx ${name}`).join('\n'), known);
    expect(found.asked).toHaveLength(200);
    expect(found).toMatchObject({ verdict: 'error', unread: [{ why: expect.stringContaining('more than 200') }] });
    expect(found.notLookedUp).toHaveLength(50);
  });

  it('are for a person to weigh when a name stands for the reader’s own, or is the package itself', async () => {
    expect(await lookUp('npm i my-app && npm i itself', {}, 'itself')).toMatchObject({
      verdict: 'pass',
      findings: [
        { rule: 'missing-package', severity: 'notice' },
        { rule: 'missing-package', severity: 'notice' },
      ],
    });
    expect((await lookUp('npm i my-app', { 'my-app': daysAgo(1) })).verdict).toBe('fail');
  });

  it('of other registries than npm’s are not asked for, and said to be so', async () => {
    const { asked, notLookedUp, verdict } = await lookUp('pip install requests && npm i thing', { thing: daysAgo(100) });
    expect(asked).toEqual(['thing']);
    expect({ verdict, notLookedUp }).toMatchObject({ verdict: 'pass', notLookedUp: [{ registry: 'pip', name: 'requests' }] });
  });
});
