import { describe, expect, it } from 'vitest';
import { parsePermissionSet, union } from '../../format/index.ts';
import type { Authority } from '../../sandbox/authority.ts';
import type { CallOrigin, PermissionAnswer, PermissionQuestion } from '../../sandbox/index.ts';
import { openGate, parseTemplate, type ProviderAccess } from '../../sandbox/provider-access.ts';
import { createSecretHandles } from '../../sandbox/secret-handles.ts';
import { recordingPorts } from '../support/sandbox-fixture.ts';

const ORIGIN: CallOrigin = { chain: '1', message: 'go', sources: [] };
const KEY = { name: 'apiKey', header: 'authorization', text: '$THE_KEY' };

/** A gate of package `p`, and a person who gives these answers. */
function scene({
  granted = [],
  requested = [],
  answers = [],
}: {
  readonly granted?: string[];
  readonly requested?: string[];
  readonly answers?: PermissionAnswer[];
}) {
  const asked: PermissionQuestion[] = [];
  const records: Record<string, unknown>[] = [];
  const ran: string[] = [];
  let held = parsePermissionSet(granted);
  const authority: Authority = {
    granted: () => held,
    requested: () => requested.map((permission) => ({ permission })),
    computes: () => false,
    maxOf: () => undefined,
    used: () => undefined,
    async allow(permissions) {
      held = union(held, parsePermissionSet(permissions));
    },
  };
  const secrets = createSecretHandles(['THE_KEY'], () => 'the-value');
  const questions = {
    async ask(question: PermissionQuestion) {
      asked.push(question);
      return answers.shift();
    },
  };
  const open = ({ origin = ORIGIN, ...change }: Partial<Omit<ProviderAccess, 'origin'>> & { readonly origin?: CallOrigin | 'nobody' } = {}) =>
    openGate(
      {
        provider: 'local',
        host: 'api.example',
        values: [KEY],
        signal: new AbortController().signal,
        ...(origin === 'nobody' ? {} : { origin }),
        ...change,
      },
      {
        package: { name: 'p', version: '1.0.0', contentHash: 'x' },
        authority,
        ports: { ...recordingPorts([]), questions },
        places: { workspace: '/w', home: '/h', data: '/d', tmp: '/t' },
        environment: { SEEN: 'seen' },
        lookUpSecret: (name) => (name === 'THE_KEY' ? 'the-value' : undefined),
        secrets: () => secrets,
        audit: { append: (record) => void records.push(record) },
        async runCommand(command) {
          ran.push(command);
          return ' printed\n';
        },
      },
    );
  return { open, asked, records, ran, secrets };
}

const SENDING = 'provider:api.example';
const SECRET = 'secret:THE_KEY@api.example';

describe('a conversation that is to go to a provider of a package', () => {
  it('goes there with what was granted, and is written down', async () => {
    const { open, records } = scene({ granted: [SENDING, SECRET] });
    expect(await open()).toEqual({ kind: 'granted', values: { apiKey: 'the-value' } });
    expect(records).toMatchObject([
      { 'event.name': 'decision', capability: 'provider', target: 'api.example', decision: 'allow', rule: SENDING },
      { target: 'THE_KEY to api.example', decision: 'allow', rule: SECRET },
    ]);
    expect(JSON.stringify(records)).not.toContain('the-value');
  });

  it.each([
    ['nothing is granted', [], 'provider:api.example'],
    ['the key is not', [SENDING], 'secret:THE_KEY@api.example'],
    ['the key may go elsewhere', [SENDING, 'secret:THE_KEY@other.example'], 'secret:THE_KEY@api.example'],
    ['it may go elsewhere', ['provider:other.example', SECRET], 'provider:api.example'],
    ['it is denied', [SENDING, `!${SENDING}`, SECRET], 'provider:api.example'],
  ])('does not where %s, and nobody is asked for what was never requested', async (_why, granted, missing) => {
    const { open, asked } = scene({ granted });
    expect(await open()).toMatchObject({ kind: 'refused', code: 'PERMISSION_DENIED', message: expect.stringContaining(`dash permissions grant p ${missing}`) });
    expect(asked).toEqual([]);
  });

  it('is asked about at first use, where that was requested; a yes for the session is asked once', async () => {
    const { open, asked } = scene({ requested: [SENDING, SECRET], answers: ['session', 'session'] });
    expect(await open()).toMatchObject({ kind: 'granted' });
    expect(await open()).toMatchObject({ kind: 'granted' });
    expect(asked.map(({ target, permissions }) => [target, permissions])).toEqual([
      ['api.example', [SENDING]],
      ['THE_KEY to api.example', [SECRET]],
    ]);
  });

  it('is declined with a no, and not asked about where no message of the user\u2019s began it', async () => {
    const declined = scene({ requested: [SENDING], answers: ['no'] });
    expect(await declined.open()).toMatchObject({ kind: 'refused', message: expect.stringMatching(/you declined it/) });
    const nobodys = scene({ requested: [SENDING], answers: ['session'] });
    expect(await nobodys.open({ origin: 'nobody' })).toMatchObject({ kind: 'refused' });
    expect(nobodys.asked).toEqual([]);
  });

  it('takes what a command prints, a variable that the package may see, a key of the host\u2019s, and says which is not set', async () => {
    const printing = scene({ granted: [SENDING] });
    expect(await printing.open({ values: [{ ...KEY, text: '!op read key' }] })).toEqual({ kind: 'granted', values: { apiKey: 'printed' } });
    expect(printing.ran).toEqual(['op read key']);
    const seeing = scene({ granted: [SENDING, 'env:SEEN'] });
    expect(await seeing.open({ values: [{ ...KEY, text: 'a ${SEEN} b $$ $!' }] })).toEqual({ kind: 'granted', values: { apiKey: 'a seen b $ !' } });
    const kept = scene({ granted: [SENDING, 'secret:KEPT@api.example'] });
    expect(await kept.open({ values: [{ ...KEY, text: '$KEPT' }], keptKey: () => 'kept' })).toEqual({ kind: 'granted', values: { apiKey: 'kept' } });
    expect(await kept.open({ values: [{ ...KEY, text: '$KEPT' }] })).toMatchObject({
      kind: 'refused',
      code: 'NO_KEY',
      message: expect.stringContaining('dash secret set KEPT'),
    });
  });

  it('knows the handle that a package read where the value would stand', async () => {
    const allowed = scene({ granted: [SENDING, SECRET] });
    const handle = allowed.secrets.environment['THE_KEY'] ?? '';
    expect(await allowed.open({ values: [{ ...KEY, text: handle }] })).toEqual({ kind: 'granted', values: { apiKey: 'the-value' } });
    const refused = scene({ granted: [SENDING] });
    expect(await refused.open({ values: [{ ...KEY, text: refused.secrets.environment['THE_KEY'] ?? '' }] })).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(SECRET),
    });
  });
});

it.each([
  ['plain', [], 'plain'],
  ['$A', ['A'], '<A>'],
  ['${A}x$B_1-$A', ['A', 'B_1'], '<A>x<B_1>-<A>'],
  ['$$A $!x $ ${} ${1}', [], '$A !x $ ${} ${1}'],
])('the template %s names %j', (text, variables, filled) => {
  const template = parseTemplate(text);
  expect(template.variables).toEqual(variables);
  expect(template.fill((name) => `<${name}>`)).toBe(filled);
});
