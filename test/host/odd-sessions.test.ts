import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listSessions } from '../../host/index.ts';
import { sessionHtml } from '../../host/export/session-html.ts';
import { sessionText } from '../../host/export/session-text.ts';
import { handOff } from '../../host/model/handoff.ts';
import { type Message, NO_USAGE } from '../../host/model/messages.ts';
import { toModelMessages, userMessage } from '../../host/loop/transcript.ts';
import { importSession } from '../../host/session/session-library.ts';
import { Session } from '../../host/session/session.ts';
import { readSession } from '../../host/session/session-file.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const call = { type: 'toolCall', id: 'c1', name: 'ls', arguments: {} };
const answer = { role: 'assistant', content: [{ type: 'text', text: 'yes' }, { type: 'thinking', thinking: 'hm' }, call], provider: 'p', model: 'm', api: 'a' };
const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
const details = { readFiles: ['a'], modifiedFiles: ['b'] };

/** One entry of every kind that means something to us. */
const ENTRIES = [
  { type: 'message', message: { role: 'user', content: [{ type: 'text', text: 'hi' }, image], timestamp: 1 }, origins: ['command'] },
  { type: 'message', message: { ...answer, usage: NO_USAGE, stopReason: 'toolUse', timestamp: 1 } },
  { type: 'message', message: { role: 'toolResult', toolCallId: 'c1', toolName: 'ls', content: [{ type: 'text', text: 'a' }], isError: false, timestamp: 1 } },
  { type: 'message', message: { role: 'bashExecution', command: 'ls', output: 'a', exitCode: 0, cancelled: false, truncated: false, timestamp: 1 } },
  { type: 'message', message: { role: 'custom', customType: 'note', content: 'n', display: true, timestamp: 1 } },
  { type: 'message', message: { role: 'branchSummary', summary: 's', fromId: 'e1', timestamp: 1 } },
  { type: 'model_change', provider: 'p', modelId: 'm' },
  { type: 'thinking_level_change', thinkingLevel: 'high' },
  { type: 'custom', customType: 'state', data: { n: 1 }, package: 'p' },
  { type: 'custom_message', customType: 'note', content: [{ type: 'text', text: 'n' }, image], display: true, details: {}, origins: ['package:p@1'] },
  { type: 'label', targetId: 'e1', label: 'here' },
  { type: 'session_info', name: 'named' },
  { type: 'context_edit', targetId: 'e1', replacement: { content: [{ type: 'text', text: 'other' }] } },
  { type: 'branch_summary', fromId: 'e1', summary: 's', details, usage: NO_USAGE, origins: ['command'] },
  { type: 'usage', kind: 'spawn', provider: 'p', model: 'm', usage: NO_USAGE, note: 'n' },
  { type: 'compaction', summary: 's', firstKeptEntryId: 'e2', tokensBefore: 10, details, usage: NO_USAGE, origins: ['command'] },
].map((entry, index) => ({ ...entry, id: `e${index + 1}`, parentId: index === 0 ? null : `e${index}`, timestamp: '2026-01-01T00:00:00.000Z' }));

const odd = fc.constantFrom<unknown>(undefined, null, 0, -1, Number.MAX_VALUE, '', 'x', '../../up', true, [], [null], ['x'], [[]], {}, { type: 'text' }, [
  { type: 'text' },
]);

/** Puts `value` in the place of the part of `tree` that has this number, counted as they are met. */
function changed(tree: unknown, at: number, value: unknown): unknown {
  let left = at;
  const walk = (node: unknown): unknown => {
    if (left-- === 0) return value;
    if (Array.isArray(node)) return node.map(walk);
    return typeof node === 'object' && node !== null ? Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, walk(inner)])) : node;
  };
  return walk(tree);
}

const sessions = fc
  .array(fc.tuple(fc.nat(ENTRIES.length - 1), fc.nat(24), odd), { minLength: 1, maxLength: 4 })
  .map((changes) => changes.reduce<readonly unknown[]>((entries, [which, at, value]) => entries.with(which, changed(entries[which], at, value)), ENTRIES));

const header = (cwd: string) => ({ type: 'session', version: 3, id: 'odd', timestamp: '2026-01-01T00:00:00.000Z', cwd });
const linesOf = (lines: readonly unknown[]): string => lines.map((line) => `${JSON.stringify(line) ?? 'undefined'}\n`).join('');

describe('a session that something else wrote', () => {
  it('is opened, shown, counted, imported and gone on with, whatever stands in its entries', async () => {
    const dashHome = await temporaryDirectory();
    const cwd = await temporaryDirectory();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(sessions, async (entries) => {
        const path = join(dashHome, `${(run += 1)}.jsonl`);
        await writeFile(path, linesOf([header(cwd), ...entries]));
        {
          using session = await Session.open(path);
          const { tree } = session;
          expect(sessionText(tree)).toEqual(expect.any(String));
          expect(sessionHtml(tree)).not.toContain('<script');
          handOff(toModelMessages(session.context().messages), { provider: 'x', api: 'y', id: 'z' });
        }
        await importSession(path, { dashHome, cwd });
        await using world = await startTestHost({ turns: [{ text: 'on it' }] }, [], { dashHome, cwd, session: { kind: 'open', path } });
        await ask(world.host, 'go on');
        expect(world.host.conversation.originOf('x').sources).toEqual(expect.any(Array));
        expect(world.host.conversation.messages.at(-1)).toMatchObject({ content: [{ text: 'on it' }] });
      }),
      { numRuns: 60 },
    );
    expect(await listSessions(dashHome, cwd)).not.toEqual([]);
  });

  it('keeps messages of other roles, and names those that nobody can read', async () => {
    const path = join(await temporaryDirectory(), 'odd.jsonl');
    const messages = [
      userMessage('hi'),
      { role: 'note', text: 'of another program' },
      { role: 'assistant', content: 7 },
      { ...answer, content: 'plain', stopReason: 'stop' },
    ];
    const entries = messages.map((message, index) => ({ ...ENTRIES[0], id: `m${index}`, parentId: index === 0 ? null : `m${index - 1}`, message }));
    await writeFile(path, linesOf([header('/work/place'), ...entries]));
    const { entries: read, diagnostics } = await readSession(path);
    expect(read.map(({ type }) => type)).toEqual(['message', 'opaque', 'opaque', 'message']);
    expect(diagnostics).toMatchObject([{ code: 'SESSION_CORRUPT', message: expect.stringContaining('not what it says that it is'), where: { line: 4 } }]);
    using session = await Session.open(path);
    expect(session.context().messages).toMatchObject([{ role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'plain' }], usage: NO_USAGE }]);
  });

  it('asks for nothing whose call is gone: no provider takes a result that answers nothing', () => {
    const result = (toolCallId: string): Message => ({ role: 'toolResult', toolCallId, toolName: 'ls', content: [], isError: false, timestamp: 1 });
    const asked: Message = {
      role: 'assistant',
      content: [{ type: 'toolCall', id: 'c1', name: 'ls', arguments: {} }],
      provider: 'p',
      model: 'm',
      api: 'a',
      usage: NO_USAGE,
      stopReason: 'toolUse',
      timestamp: 1,
    };
    const said = [userMessage('hi'), result('lost'), asked, result('c1'), result('c1'), userMessage('and'), result('c1')];
    const sent = handOff(said, { provider: 'p', api: 'a', id: 'm' });
    expect(sent.map((message) => (message.role === 'toolResult' ? message.toolCallId : message.role))).toEqual(['user', 'assistant', 'c1', 'user']);
  });
});
