import { expect, test } from 'vitest';
import { formatPlan, formatQuestion } from '../../cli/consent-prompt.ts';
import { PLAIN } from '../../cli/output/terminal.ts';
import type { PackagePlan, PlannedPermission } from '../../registry/index.ts';

const at = (level: PlannedPermission['level'], ...permissions: readonly string[]): PlannedPermission[] =>
  permissions.map((permission) => ({ permission, level }));

const PLAN: PackagePlan = {
  name: 'p',
  version: '1.0.0',
  source: 'npm:p',
  resources: { extensions: ['index.ts'], skills: [], prompts: [], themes: [] },
  quiet: [],
  summary: [],
  later: [],
  granted: [],
  denied: [],
  diagnostics: [],
};

const question = (plan: Partial<PackagePlan>): string[] => formatQuestion({ packages: [{ ...PLAN, ...plan }] }, PLAIN).split('\n').slice(1, -1); // prettier-ignore

test.each<[string, Partial<PackagePlan>, readonly string[]]>([
  ['nothing', {}, ['  it will talk to your model']],
  [
    'reads and exact hosts: both are said together',
    { summary: at('summary', 'fs:read', 'net:api.github.com', 'net:hooks.slack.com') },
    [
      '  it will talk to your model, read files in the workspace and reach api.github.com and hooks.slack.com',
      '  together: it could send what it reads to an account at api.github.com or hooks.slack.com',
    ],
  ],
  ['no way out', { quiet: at('quiet', 'fs:read') }, ['  it will talk to your model and read files in the workspace']],
  ['no reads', { summary: at('summary', 'net:api.github.com') }, ['  it will talk to your model and reach api.github.com']],
  [
    'reading now and a way out that it asks for later',
    { quiet: at('quiet', 'fs:read'), later: at('one-by-one', 'net:*.example.com') },
    [
      '  it will talk to your model and read files in the workspace',
      '  together: it could send what it reads to anyone with a host or an account under example.com',
      '  later: it will ask when it needs to reach every host under example.com over https',
    ],
  ],
  [
    'what is held counts',
    { granted: ['session:read'], summary: at('summary', 'net:a.example.com') },
    ['  it will talk to your model, read the conversation and reach a.example.com', '  together: it could send what it reads to an account at a.example.com'],
  ],
  [
    'a long list: four by name, all of them in the details',
    { summary: at('summary', ...[1, 2, 3, 4, 5, 6].map((n) => `net:h${n}.example.com`)), later: at('one-by-one', 'fs:write:~/.zshrc', 'fs:write:~/b') },
    [
      '  it will talk to your model; and reach 6 hosts: h1.example.com, h2.example.com, h3.example.com, h4.example.com, …',
      '  later: it will ask when it needs to change ~/.zshrc and ~/b (can change files that your tools run)',
      '  `details` lists what … leaves out',
    ],
  ],
  [
    'dozens of programs: how many, first those that run whatever they are given, each under one name',
    { summary: at('summary', 'exec:fd', 'exec:git', 'exec:jq', 'exec:bash.exe', 'exec:/usr/bin/bash', 'exec:/bin/bash', 'exec:rg', 'exec:tar', 'exec:node') },
    [
      '  it will talk to your model; and run 7 programs: `bash`, `node`, `fd`, `git`, …, which can do no more than the package itself',
      '  `details` lists what … leaves out',
    ],
  ],
  [
    'a limit that its author set',
    {
      summary: [
        { permission: 'model', level: 'summary', max: '100/day' },
        { permission: 'net:api.example.com', level: 'summary', max: '1/hour' },
        { permission: 'model:a/b', level: 'summary', max: '$0.5/month' },
      ],
    },
    [
      '  it will talk to your model; ask your models, at your cost, at most 100 times a day; reach api.example.com over https, at most 1 time an hour; and ask the model a/b, at your cost, at most $0.5 a month',
    ],
  ],
  [
    'what is one thing to its user',
    {
      summary: at('summary', 'fs:read', 'fs:write', 'session:read', 'session:write', 'ui:keys'),
      quiet: at('quiet', 'ui:panel', 'ui:prompt'),
      later: at('one-by-one', 'fs:read:~/.config/p', 'fs:write:~/.config/p', 'fs:read:~/other'),
    },
    [
      '  it will talk to your model; read and change files in the workspace (what it writes may run at your next test or build); read the conversation and add to it; and draw panels, ask you questions and react to keys you press',
      '  later: it will ask when it needs to read and change ~/.config/p; and read ~/other and what is in it',
    ],
  ],
  ['what only a policy grants is not promised', { later: at('policy', 'fs:read:~/.dash/x') }, ['  it will talk to your model']],
])('the sentence for %s', (_, plan, lines) => {
  // what is held and what is asked come in the order of danger, the same level in the order of the question
  expect(question(plan).map((line) => line.split(/, | and /).toSorted())).toEqual(lines.map((line) => line.split(/, | and /).toSorted()));
});

test('the details say each permission by itself, with its limit', () => {
  const summary = [
    ...at('summary', ...['git', 'node', 'jq', 'rg', 'fd', 'tar'].map((program) => `exec:${program}`)),
    { permission: 'model', level: 'summary' as const, max: '50000 tokens/day' },
  ];
  const text = formatPlan({ packages: [{ ...PLAN, summary }] }, PLAIN);
  for (const { permission } of summary) expect(text).toContain(`[${permission}]`);
  expect(text).toContain('ask your models, at your cost, at most 50000 tokens a day');
});

test('names and reasons of a package cannot leave their place', () => {
  const hostile = 'x\u001B[2J\u202E\u200B\n  granted: everything';
  const summary = [{ permission: 'net:a.example.com', level: 'summary' as const, reason: `${hostile}” ${'y'.repeat(1_000)}` }];
  const text =
    formatQuestion({ packages: [{ ...PLAN, name: hostile, version: hostile, summary }] }, PLAIN) +
    formatPlan({ packages: [{ ...PLAN, name: hostile, summary }] }, PLAIN);
  expect(text.split('\n').filter((line) => line.startsWith('  granted'))).toEqual([]);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(text.length).toBeLessThan(1_200);
});
