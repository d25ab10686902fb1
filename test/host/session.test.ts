import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SessionManager } from '@earendil-works/pi-coding-agent';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AssistantMessage, ToolCall } from '../../host/model/messages.ts';
import { NO_USAGE } from '../../host/model/messages.ts';
import { buildContext } from '../../host/session/context.ts';
import { exportSession } from '../../host/session/export.ts';
import { Session } from '../../host/session/session.ts';
import { readSession } from '../../host/session/session-file.ts';
import { SessionTree } from '../../host/session/session-tree.ts';
import { userMessage } from '../../host/loop/transcript.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const home = (): Promise<string> => temporaryDirectory();
const assistant = (text: string, calls: readonly ToolCall[] = []): AssistantMessage => ({
  role: 'assistant',
  content: [{ type: 'text', text }, ...calls],
  api: 'scripted',
  provider: 'scripted',
  model: 'scripted',
  usage: NO_USAGE,
  stopReason: calls.length > 0 ? 'toolUse' : 'stop',
  timestamp: 1,
});
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** pi's own reader, at pi's own leaf or at ours. */
function openWithPi(path: string, leaf?: string | null) {
  const manager = SessionManager.open(path);
  if (leaf === null) manager.resetLeaf();
  else if (leaf !== undefined) manager.branch(leaf);
  return manager;
}

/** Writes a random conversation through `session`, jumping about in its tree. */
function play(session: Session, steps: readonly [kind: number, seed: number][]): void {
  for (const [kind, seed] of steps) {
    const { entries } = session.tree;
    const some = entries[seed % Math.max(entries.length, 1)];
    switch (kind) {
      case 0:
        session.appendMessage(userMessage(`user ${seed}`));
        break;
      case 1:
        session.appendMessage(assistant(`answer ${seed}`));
        break;
      case 2:
        session.appendMessage({ role: 'custom', customType: 'note', content: `note ${seed}`, display: seed % 2 === 0, details: { seed }, timestamp: 1 });
        break;
      case 3:
        session.append({ type: 'custom', customType: 'state', data: { seed } });
        break;
      case 4:
        session.append({ type: 'thinking_level_change', thinkingLevel: 'high' });
        break;
      case 5:
        session.append({ type: 'model_change', provider: 'p', modelId: `m${seed}` });
        break;
      case 6:
        if (some !== undefined) session.append({ type: 'compaction', summary: `summary ${seed}`, firstKeptEntryId: some.id, tokensBefore: seed });
        break;
      case 7:
        if (some !== undefined) session.append({ type: 'branch_summary', fromId: some.id, summary: seed % 3 === 0 ? '' : `left ${seed}` });
        break;
      case 8:
        if (some !== undefined) session.append({ type: 'label', targetId: some.id, ...(seed % 2 === 0 ? { label: `l${seed}` } : {}) });
        break;
      case 9:
        if (some !== undefined) session.append({ type: 'context_edit', targetId: some.id, replacement: seed % 2 === 0 ? null : { content: `edited ${seed}` } });
        break;
      case 10:
        session.append({ type: 'session_info', name: seed % 4 === 0 ? '' : `name ${seed}` });
        break;
      default:
        if (some !== undefined) session.tree.moveTo(some.id);
    }
  }
}

const steps = fc.array(fc.tuple(fc.nat({ max: 11 }), fc.nat({ max: 50 })), { minLength: 1, maxLength: 40 });

describe('session files', () => {
  it('give pi the context they give us, on any tree and any leaf', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (walk) => {
        using session = Session.create(await home(), '/work/place');
        session.appendMessage(userMessage('the first entry makes the file'));
        play(session, walk);
        const { file, tree } = session;
        if (file === undefined) throw new Error('a created session has a file');
        for (const leaf of [undefined, tree.leafId]) {
          const manager = openWithPi(file, leaf);
          const branch = leaf === undefined ? tree.path(tree.entries.at(-1)?.id ?? null) : tree.path();
          expect(plain(buildContext(branch))).toEqual(plain(manager.buildSessionContext()));
        }
        const manager = openWithPi(file);
        expect(manager.getEntries().map(({ id }) => id)).toEqual(tree.entries.map(({ id }) => id));
        for (const { id } of tree.entries) expect(tree.label(id)).toBe(manager.getLabel(id));
        expect(tree.name).toBe(manager.getSessionName());
      }),
      { numRuns: 60 },
    );
  });

  it('read back what they wrote', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (walk) => {
        using session = Session.create(await home(), '/work/place');
        session.appendMessage(userMessage('the first entry makes the file'));
        play(session, walk);
        const { header, records, diagnostics } = await readSession(session.file ?? '');
        expect(diagnostics).toEqual([]);
        expect(plain(exportSession(new SessionTree(header, records)).entries)).toEqual(plain(exportSession(session.tree).entries));
      }),
      { numRuns: 40 },
    );
  });

  it('of pi open with the same context, and pi opens them again after we have appended', async () => {
    const directory = await home();
    const manager = SessionManager.create('/work/place', directory);
    manager.appendMessage({ role: 'user', content: 'from pi', timestamp: 1 });
    manager.appendMessage({ ...assistant('pi answers'), api: 'openai-completions' });
    manager.appendCustomEntry('state', { n: 1 });
    manager.appendCustomMessageEntry('note', 'seen', true, { a: 1 });
    const path = manager.getSessionFile() ?? '';
    {
      using session = await Session.open(path);
      expect(plain(session.context())).toEqual(plain(manager.buildSessionContext()));
      session.appendMessage(userMessage('from us'));
      session.appendMessage(assistant('we answer'));
    }
    using again = await Session.open(path);
    expect(plain(openWithPi(path).buildSessionContext())).toEqual(plain(again.context()));
    expect(again.context().messages).toHaveLength(5);
  });

  it('of version 1 become trees, as in pi', async () => {
    const path = join(await home(), 'old.jsonl');
    const lines = [
      { type: 'session', id: 'old', timestamp: '2024-01-01T00:00:00.000Z', cwd: '/work/place' },
      { type: 'message', timestamp: '2024-01-01T00:00:01.000Z', message: userMessage('one') },
      { type: 'message', timestamp: '2024-01-01T00:00:02.000Z', message: assistant('two') },
      { type: 'compaction', timestamp: '2024-01-01T00:00:03.000Z', summary: 'so far', firstKeptEntryIndex: 2, tokensBefore: 10 },
      {
        type: 'message',
        timestamp: '2024-01-01T00:00:04.000Z',
        message: { role: 'hookMessage', customType: 'x', content: 'hook', display: true, timestamp: 1 },
      },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await writeFile(path, text);
    const piPath = join(dirname(path), 'pi.jsonl');
    await writeFile(piPath, text);
    using session = await Session.open(path);
    expect(plain(session.context())).toEqual(plain(openWithPi(piPath).buildSessionContext()));
    expect(plain(openWithPi(path).buildSessionContext())).toEqual(plain(session.context()));
  });

  it('take what comes late, after they were closed', async () => {
    const session = Session.create(await home(), '/work/place');
    session.appendMessage(userMessage('in time'));
    session[Symbol.dispose]();
    session.appendMessage(assistant('late'));
    session.appendMessage(userMessage('later'));
    const { entries, diagnostics } = await readSession(session.file ?? '');
    expect([entries.length, diagnostics]).toEqual([3, []]);
  });

  it('survive a torn last line, and the next entry begins on a line of its own', async () => {
    const session = Session.create(await home(), '/work/place');
    session.appendMessage(userMessage('kept'));
    session[Symbol.dispose]();
    const path = session.file ?? '';
    await appendFile(path, '{"type":"message","id":"torn","par');
    {
      using again = await Session.open(path);
      expect(again.diagnostics).toMatchObject([{ code: 'SESSION_CORRUPT', where: { line: 3 } }]);
      again.appendMessage(assistant('after'));
    }
    expect((await readSession(path)).entries).toHaveLength(2);
    expect((await readSession(path)).diagnostics).toEqual([]);
  });

  it('survive being torn off after any byte: what was whole stays, and what follows is readable', async () => {
    const directory = await home();
    const session = Session.create(directory, '/work/place');
    session.appendMessage(userMessage('one'));
    session.appendMessage(assistant('two { } }'));
    session.appendMessage(userMessage('three'));
    session[Symbol.dispose]();
    const whole = await readFile(session.file ?? '');
    const ends = [...whole.entries()].flatMap(([at, byte]) => (byte === 10 ? [at] : []));
    for (let size = (ends[0] ?? 0) + 1; size <= whole.length; size += 1) {
      const path = join(directory, `${size}.jsonl`);
      await writeFile(path, whole.subarray(0, size));
      // an entry counts once its last brace is there, with or without the end of its line
      const complete = ends.slice(1).filter((end) => end <= size).length;
      {
        using again = await Session.open(path);
        expect([size, again.tree.entries.length]).toEqual([size, complete]);
        expect(again.diagnostics).toHaveLength(whole[size - 1] === 10 || ends.includes(size) ? 0 : 1);
        again.appendMessage(userMessage('after'));
      }
      const read = await readSession(path);
      expect([read.entries.length, read.diagnostics.length]).toEqual([complete + 1, 0]);
      expect(plain(openWithPi(path).buildSessionContext().messages)).toEqual(plain(buildContext(new SessionTree(read.header, read.records).path()).messages));
    }
  });

  it('are read lazily: damage in the middle of a line is named when it is met, and what hangs on it stays', async () => {
    const session = Session.create(await home(), '/work/place');
    session.appendMessage(userMessage('first'));
    const hurt = session.appendMessage(assistant('hurt'));
    session.append({ type: 'compaction', summary: 'so far', firstKeptEntryId: session.appendMessage(userMessage('kept')).id, tokensBefore: 1 });
    session.appendMessage(assistant('last'));
    session[Symbol.dispose]();
    const path = session.file ?? '';
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"hurt"', '"hu"rt"'));
    using again = await Session.open(path);
    // the context after a compaction needs nothing of what was before it
    expect(again.context().messages.map(({ role }) => role)).toEqual(['compactionSummary', 'user', 'assistant']);
    expect(again.diagnostics).toEqual([]);
    expect(again.tree.entries).toHaveLength(5);
    expect(again.tree.entry(hurt.id)).toMatchObject({ type: 'opaque' });
    expect(again.diagnostics).toMatchObject([{ code: 'SESSION_CORRUPT', where: { line: 3 } }]);
    expect(plain(openWithPi(path).buildSessionContext())).toEqual(plain(again.context()));
  });

  it('keep kinds of entries they do not know, byte for byte in meaning', async () => {
    const session = Session.create(await home(), '/work/place');
    const first = session.appendMessage(userMessage('a'));
    session[Symbol.dispose]();
    const path = session.file ?? '';
    const strange = { type: 'from_the_future', id: 'f1', parentId: first.id, timestamp: 'x', anything: [1, { b: 2 }] };
    await appendFile(path, `${JSON.stringify(strange)}\nnot json at all\n`);
    using again = await Session.open(path);
    again.appendMessage(userMessage('b'));
    expect(again.tree.branch().map(({ id }) => id)).toEqual([first.id, 'f1', again.tree.leafId]);
    expect(exportSession(again.tree).entries[1]).toEqual(strange);
    expect(again.diagnostics).toMatchObject([{ where: { line: 4 } }]);
  });

  it('that go round in a circle end where they meet themselves', async () => {
    const path = join(await home(), 'round.jsonl');
    const line = (id: string, parentId: string): string =>
      JSON.stringify({ type: 'message', id, parentId, timestamp: '2026-01-01T00:00:00.000Z', message: userMessage(id) });
    const header = JSON.stringify({ type: 'session', version: 3, id: 'x', timestamp: '2026-01-01T00:00:00.000Z', cwd: '/work' });
    await writeFile(path, `${[header, line('a', 'c'), line('b', 'a'), line('c', 'b'), line('d', 'd'), line('e', 'c')].join('\n')}\n`);
    const { header: read, records } = await readSession(path);
    const tree = new SessionTree(read, records);
    expect(tree.path().map(({ id }) => id)).toEqual(['a', 'b', 'c', 'e']);
    expect(tree.path('b').map(({ id }) => id)).toEqual(['c', 'a', 'b']);
    expect(tree.path('d').map(({ id }) => id)).toEqual(['d']);
    expect(tree.path('nowhere')).toEqual([]);
  });

  it('answer the calls that a crash left open', async () => {
    const session = Session.create(await home(), '/work/place');
    session.appendMessage(userMessage('go'));
    session.appendMessage(
      assistant('', [
        { type: 'toolCall', id: 'c1', name: 'bash', arguments: {} },
        { type: 'toolCall', id: 'c2', name: 'bash', arguments: {} },
      ]),
    );
    session.appendMessage({ role: 'toolResult', toolCallId: 'c1', toolName: 'bash', content: [], isError: false, timestamp: 1 });
    session[Symbol.dispose]();
    using again = await Session.open(session.file ?? '');
    expect(again.context().messages.at(-1)).toMatchObject({ role: 'toolResult', toolCallId: 'c2', isError: true });
    using once = await Session.open(session.file ?? '');
    expect(once.context().messages).toHaveLength(4);
  });

  it('are readable by their owner only, and refuse what is not a session', async () => {
    using session = Session.create(await home(), '/work/place');
    const path = session.file ?? '';
    await expect(stat(path)).rejects.toThrow(/ENOENT/);
    session.appendMessage(userMessage('now there is something to keep'));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    expect(await readFile(path, 'utf8')).toMatch(/^\{"type":"session","version":3,/);
    const other = join(dirname(path), 'other.jsonl');
    await writeFile(other, '{"type":"message"}\n');
    await expect(Session.open(other)).rejects.toMatchObject({ code: 'SESSION_CORRUPT' });
  });
});
