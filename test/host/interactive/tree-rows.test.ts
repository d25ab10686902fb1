import { expect, test } from 'vitest';
import { TREE_FILTERS, isHere, nearestRow, rowsThrough, treeRows } from '../../../host/modes/interactive/tree/tree-rows.ts';
import { safeLine } from '../../../host/modes/interactive/safe-line.ts';
import { Session } from '../../../host/session/session.ts';
import type { AgentMessage } from '../../../host/loop/transcript.ts';

const NO_USAGE = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } };
const user = (content: string): AgentMessage => ({ role: 'user', content, timestamp: 1 });
const agent = (text: string, call?: string): AgentMessage => ({
  role: 'assistant',
  content: [
    ...(text === '' ? [] : [{ type: 'text' as const, text }]),
    ...(call === undefined ? [] : [{ type: 'toolCall' as const, id: call, name: 'read', arguments: { path: 'a.txt' } }]),
  ],
  api: 'a',
  provider: 'p',
  model: 'm',
  usage: NO_USAGE,
  stopReason: 'stop',
  timestamp: 1,
});
const result = (toolCallId: string): AgentMessage => ({ role: 'toolResult', toolCallId, toolName: 'read', content: [], isError: false, timestamp: 1 });

function talk() {
  using session = Session.inMemory('/project');
  const said = (message: AgentMessage): string => session.append({ type: 'message', message }).id;
  const ids = { first: said(user('first')), call: said(agent('', 'c1')), result: said(result('c1')), answer: said(agent('It says hello.')) };
  session.append({ type: 'model_change', provider: 'p', modelId: 'm2' });
  session.append({ type: 'label', targetId: ids.answer, label: 'checkpoint' });
  return { session, ids, said };
}

test.for([
  ['default', ['user', 'tool', 'agent']],
  ['no-tools', ['user', 'agent']],
  ['user-only', ['user']],
  ['labeled-only', ['agent']],
  ['all', ['user', 'tool', 'agent', 'record', 'record']],
] as const)('%s shows %j', ([filter, kinds]) => {
  expect(rowsThrough(treeRows(talk().session.tree), filter, '').map(({ kind }) => kind)).toEqual(kinds);
  expect(TREE_FILTERS).toContain(filter);
});

test('a search reads what was said and labels; what is hidden is marked where it hangs', () => {
  const { session, ids } = talk();
  const rows = treeRows(session.tree);
  expect(rowsThrough(rows, 'default', 'CHECK hello').map(({ id }) => id)).toEqual([ids.answer]);
  expect(rowsThrough(rows, 'default', 'check nothing')).toEqual([]);
  const shown = rowsThrough(rows, 'default', '');
  expect(shown[nearestRow(shown, session.tree, session.tree.leafId)]?.id).toBe(ids.answer);
  expect(isHere(session.tree, ids.answer)).toBe(true);
  expect(isHere(session.tree, ids.result)).toBe(false);
});

test('the last word on a label counts, and a branch stands below where it parts', () => {
  const { session, ids, said } = talk();
  session.append({ type: 'label', targetId: ids.answer });
  session.append({ type: 'label', targetId: ids.first, label: 'start' });
  expect(treeRows(session.tree).flatMap(({ id, label }) => (label === undefined ? [] : [[id, label]]))).toEqual([[ids.first, 'start']]);
  session.tree.moveTo(ids.first);
  const other = said(agent('another way'));
  const rows = rowsThrough(treeRows(session.tree), 'default', '');
  expect(rows.find(({ id }) => id === other)).toMatchObject({ depth: 0, isOnBranch: true });
  expect(rows.find(({ id }) => id === ids.answer)).toMatchObject({ depth: 1, isOnBranch: false });
});

test('what a package writes into a label draws nothing: no sequence, no line, no turned or hidden text', () => {
  const { session, ids } = talk();
  const hostile = `\u001B[2J\u001B[8mhidden\u001B]0;title\u0007\u202Eevil\n> I agree\u200B${'x'.repeat(5_000_000)}`;
  session.append({ type: 'label', targetId: ids.first, label: hostile });
  // the arm of control: as it is, only the border stands between it and the terminal, and the border keeps what conceals
  expect(safeLine(hostile.slice(0, 80), 80)).toContain('\u001B[8m');
  const label = treeRows(session.tree)[0]?.label ?? '';
  expect(label).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect([...label].length).toBeLessThan(100);
});

test('a session of ten thousand branches is laid out at once', () => {
  using session = Session.inMemory('/project');
  const root = session.append({ type: 'message', message: user('root') }).id;
  for (let at = 0; at < 10_000; at += 1) {
    session.tree.moveTo(root);
    session.append({ type: 'message', message: user(`branch ${at}`) });
  }
  expect(treeRows(session.tree)).toHaveLength(10_001);
});
