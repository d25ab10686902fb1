import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ContentBlock, methods } from '@agentclientprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { readAgents } from '../../../host/events/dashboard/live.ts';
import { openEventDatabase } from '../../../host/events/event-database.ts';
import { initialize, newPerson, startAcp } from '../../support/acp-client.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** One pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const call = (name: string, args: object) => ({ name, arguments: args });

describe('a session over the agent client protocol', () => {
  it('streams thoughts, words and a tool call to the end of the turn', async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'notes.md'), 'one\ntwo\n');
    const editor = await startAcp([
      { thinking: 'I should look', text: 'Let me see. ', toolCalls: [call('read', { path: 'notes.md', offset: 2 })] },
      { text: 'It says two.' },
    ]);
    const { agentCapabilities, agentInfo, authMethods } = await initialize(editor);
    expect(agentInfo).toMatchObject({ name: 'dash', title: 'Dash' });
    expect(agentCapabilities).toMatchObject({ loadSession: true, promptCapabilities: { image: true, audio: false, embeddedContext: true } });
    expect(authMethods?.map(({ id }) => id)).toEqual(['environment']);

    const { sessionId, modes, configOptions } = await editor.newSession(cwd);
    expect(modes).toMatchObject({ currentModeId: 'ask', availableModes: [{ id: 'none' }, { id: 'ask' }] });
    expect(configOptions?.map(({ id }) => id)).toEqual(['mode', 'model', 'thinking']);
    const commands = await editor.until(({ sessionUpdate }) => sessionUpdate === 'available_commands_update');
    const names = commands.sessionUpdate === 'available_commands_update' ? commands.availableCommands.map(({ name }) => name) : [];
    expect(names).toEqual(expect.arrayContaining(['compact', 'reload']));
    expect(names).not.toContain('new');

    expect(await editor.prompt(sessionId, 'what does it say?')).toBe('end_turn');
    expect(editor.said(sessionId)).toBe('Let me see. It says two.');
    const turn = editor.updates.filter(({ sessionUpdate }) => sessionUpdate !== 'available_commands_update').map(({ sessionUpdate }) => sessionUpdate);
    expect([...new Set(turn)]).toEqual(['session_info_update', 'agent_thought_chunk', 'agent_message_chunk', 'tool_call', 'tool_call_update', 'usage_update']);
    // both answers were said around a call: two messages, each under one name
    const named = editor.updates.flatMap((update) => (update.sessionUpdate === 'agent_message_chunk' ? [update.messageId] : []));
    expect(new Set(named).size).toBe(2);
    expect(editor.updates.find(({ sessionUpdate }) => sessionUpdate === 'session_info_update')).toMatchObject({ title: 'what does it say?' });
    expect(editor.updates.find(({ sessionUpdate }) => sessionUpdate === 'tool_call')).toMatchObject({
      title: 'read notes.md',
      kind: 'read',
      status: 'in_progress',
      locations: [{ path: join(cwd, 'notes.md'), line: 2 }],
      rawInput: { path: 'notes.md', offset: 2 },
    });
    expect(editor.updates.find((update) => update.sessionUpdate === 'tool_call_update' && update.status === 'completed')).toMatchObject({
      content: [{ type: 'content', content: { type: 'text', text: '```\ntwo\n\n```' } }],
    });
    expect(editor.questions).toEqual([]);
    expect(await editor.close()).toBe(0);
  });

  it('asks before a file is changed, shows the difference, and tells the model of a no', async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'a.txt'), 'old\n');
    const answers = ['allow_once', 'reject_once'];
    const edit = (oldText: string, newText: string) => ({ toolCalls: [call('edit', { path: 'a.txt', edits: [{ oldText, newText }] })] });
    const editor = await startAcp([edit('old', 'new'), edit('new', 'newer'), { text: 'done' }], { answer: () => answers.shift() });
    await initialize(editor);
    const { sessionId } = await editor.newSession(cwd);
    expect(await editor.prompt(sessionId, 'change it')).toBe('end_turn');

    expect(await readFile(join(cwd, 'a.txt'), 'utf8')).toBe('new\n');
    expect(editor.questions).toHaveLength(2);
    expect(editor.questions[0]).toMatchObject({
      toolCall: { kind: 'edit', status: 'pending', content: [{ type: 'diff', path: join(cwd, 'a.txt'), oldText: 'old\n', newText: 'new\n' }] },
      options: [{ kind: 'allow_once' }, { kind: 'allow_always', name: 'Yes, for this session' }, { kind: 'reject_once' }],
    });
    const ended = editor.updates.filter((update) => update.sessionUpdate === 'tool_call_update' && update.status !== 'in_progress');
    expect(ended).toMatchObject([
      { toolCallId: editor.questions[0]?.toolCall.toolCallId, status: 'completed', content: [{ type: 'diff', oldText: 'old\n', newText: 'new\n' }] },
      { toolCallId: editor.questions[1]?.toolCall.toolCallId, status: 'failed', rawOutput: { output: expect.stringContaining('declined by the user') } },
    ]);
    await editor.close();
  });

  it('remembers a yes for the session for the same file only, and never for what is protected', async () => {
    const cwd = await temporaryDirectory();
    const write = (path: string) => ({ toolCalls: [call('write', { path, content: `${path}\n` })] });
    const editor = await startAcp([write('a.txt'), write('a.txt'), write('b.txt'), write('package.json'), write('package.json'), { text: 'done' }], {
      answer: () => 'allow_always',
    });
    await initialize(editor);
    const { sessionId } = await editor.newSession(cwd);
    await editor.prompt(sessionId, 'write');
    expect(editor.questions.map(({ toolCall, options }) => [toolCall.locations?.[0]?.path, options.map(({ kind }) => kind)])).toEqual([
      [join(cwd, 'a.txt'), ['allow_once', 'allow_always', 'reject_once']],
      [join(cwd, 'b.txt'), ['allow_once', 'allow_always', 'reject_once']],
      [join(cwd, 'package.json'), ['allow_once', 'reject_once']],
      [join(cwd, 'package.json'), ['allow_once', 'reject_once']],
    ]);
    await editor.close();
  });

  it('stops at a cancellation while a question is open, and answers the next prompt', async () => {
    const cwd = await temporaryDirectory();
    const open = Promise.withResolvers<undefined>();
    const editor = await startAcp([{ toolCalls: [call('write', { path: 'a.txt', content: 'x' })] }, { text: 'again' }], { answer: () => open.promise });
    await initialize(editor);
    const { sessionId } = await editor.newSession(cwd);
    const stopped = editor.prompt(sessionId, 'write');
    await editor.until(({ sessionUpdate }) => sessionUpdate === 'tool_call');
    await expect.poll(() => editor.questions.length, { timeout: 30_000 }).toBe(1);
    await editor.agent.notify(methods.agent.session.cancel, { sessionId });
    expect(await stopped).toBe('cancelled');
    open.resolve(undefined);
    expect(await editor.prompt(sessionId, 'and now?')).toBe('end_turn');
    expect(editor.said(sessionId)).toBe('again');
    await expect(readFile(join(cwd, 'a.txt'))).rejects.toThrow('ENOENT');
    await editor.close();
  });

  it('lets nobody choose more than the user allows', async () => {
    const cwd = await temporaryDirectory();
    const write = { toolCalls: [call('write', { path: 'a.txt', content: 'x' })] };
    const editor = await startAcp([write, { text: 'one' }, write, { text: 'two' }], { args: ['--approve', 'edits'], answer: () => 'allow_once' });
    await initialize(editor);
    const { sessionId, modes } = await editor.newSession(cwd);
    expect(modes).toMatchObject({ currentModeId: 'edits', availableModes: [{ id: 'none' }, { id: 'ask' }, { id: 'edits' }] });
    const above = editor.agent.request(methods.agent.session.setMode, { sessionId, modeId: 'all' });
    await expect(above).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('--approve edits') });
    const chosen = editor.agent.request(methods.agent.session.setConfigOption, { sessionId, configId: 'mode', value: 'all' });
    await expect(chosen).rejects.toMatchObject({ code: -32602 });

    await editor.prompt(sessionId, 'write');
    expect(editor.questions).toHaveLength(0);
    await editor.agent.request(methods.agent.session.setMode, { sessionId, modeId: 'ask' });
    await editor.until((update) => update.sessionUpdate === 'current_mode_update' && update.currentModeId === 'ask');
    await editor.prompt(sessionId, 'write again');
    expect(editor.questions).toHaveLength(1);
    await editor.close();
  });

  it('holds several sessions at once, each in its own directory', async () => {
    const [one, two] = [await temporaryDirectory(), await temporaryDirectory()];
    await Promise.all([writeFile(join(one, 'name'), 'first'), writeFile(join(two, 'name'), 'second')]);
    const editor = await startAcp([{ toolCalls: [call('read', { path: 'name' })] }, { text: 'read' }]);
    await initialize(editor);
    const sessions = await Promise.all([editor.newSession(one), editor.newSession(two)]);
    const [a = '', b = ''] = sessions.map(({ sessionId }) => sessionId);
    expect(await Promise.all([editor.prompt(a, 'hi'), editor.prompt(b, 'hi')])).toEqual(['end_turn', 'end_turn']);
    const read = (id: string) => editor.updates.find((update) => update.sessionId === id && update.sessionUpdate === 'tool_call_update');
    expect(read(a)).toMatchObject({ rawOutput: { output: 'first' } });
    expect(read(b)).toMatchObject({ rawOutput: { output: 'second' } });
    await editor.agent.request(methods.agent.session.close, { sessionId: a });
    await expect(editor.prompt(a, 'hi')).rejects.toMatchObject({ code: -32002 });
    await editor.close();
  });

  it('cancels one of two sessions with open questions, and the other goes on', async () => {
    const [one, two] = [await temporaryDirectory(), await temporaryDirectory()];
    const open = new Map([one, two].map((cwd) => [cwd, Promise.withResolvers<string | undefined>()]));
    const write = { toolCalls: [call('write', { path: 'a.txt', content: 'x' })] };
    const editor = await startAcp([write, { text: 'written' }], {
      answer: ({ toolCall }) => open.get(dirname(toolCall.locations?.[0]?.path ?? ''))?.promise,
    });
    await initialize(editor);
    const [a, b] = [(await editor.newSession(one)).sessionId, (await editor.newSession(two)).sessionId];
    const [first, second] = [editor.prompt(a, 'write'), editor.prompt(b, 'write')];
    await expect.poll(() => editor.questions.length, { timeout: 30_000 }).toBe(2);
    await editor.agent.notify(methods.agent.session.cancel, { sessionId: a });
    expect(await first).toBe('cancelled');
    // an answer that comes too late is none
    open.get(one)?.resolve('allow_once');
    open.get(two)?.resolve('allow_once');
    expect(await second).toBe('end_turn');
    expect(await readFile(join(two, 'a.txt'), 'utf8')).toBe('x');
    await expect(readFile(join(one, 'a.txt'))).rejects.toThrow('ENOENT');
    expect(editor.updates.findLast((update) => update.sessionId === a && update.sessionUpdate === 'tool_call_update')).toMatchObject({ status: 'failed' });
    await editor.close();
  });

  it.each(['session/close', 'session/delete'] as const)('ends a prompt with %s, and answers it as cancelled', async (method) => {
    const editor = await startAcp([{ toolCalls: [call('write', { path: 'a', content: '' })] }, { text: '' }], { answer: () => new Promise(() => undefined) });
    await initialize(editor);
    const { sessionId } = await editor.newSession(await temporaryDirectory());
    const running = editor.prompt(sessionId, 'write');
    await expect.poll(() => editor.questions.length, { timeout: 30_000 }).toBe(1);
    await editor.agent.request(method, { sessionId });
    expect(await running).toBe('cancelled');
    await expect(editor.prompt(sessionId, 'are you there?')).rejects.toMatchObject({ code: -32002 });
    await editor.close();
  });

  it('lists, loads and resumes sessions of an earlier process', async () => {
    const cwd = await temporaryDirectory();
    const first = await startAcp([{ thinking: 'hm', text: 'hello', toolCalls: [call('ls', {})] }, { text: 'bye' }], { args: ['--tools', 'ls'] });
    await initialize(first);
    const { sessionId } = await first.newSession(cwd);
    await first.prompt(sessionId, 'say hello');
    await first.close();

    const second = await startAcp([{ text: 'on we go' }], { person: first.person });
    await initialize(second);
    // one in which nothing was said is no session to go back to
    await second.newSession(cwd);
    const { sessions } = await second.agent.request(methods.agent.session.list, { cwd });
    expect(sessions).toMatchObject([{ sessionId, cwd, title: 'say hello' }]);
    await second.agent.request(methods.agent.session.load, { sessionId, cwd, mcpServers: [] });
    const told = second.updates.filter((update) => update.sessionId === sessionId && update.sessionUpdate !== 'available_commands_update');
    const replayed = told.map((update) => ('content' in update && !Array.isArray(update.content) ? update.content : update.sessionUpdate));
    expect(replayed.slice(0, 6)).toEqual([
      { type: 'text', text: 'say hello' },
      { type: 'text', text: 'hm' },
      { type: 'text', text: 'hello' },
      'tool_call',
      'tool_call_update',
      { type: 'text', text: 'bye' },
    ]);
    expect(await second.prompt(sessionId, 'go on')).toBe('end_turn');
    await second.close();

    const third = await startAcp([{ text: 'quietly' }], { person: first.person });
    await initialize(third);
    await third.agent.request(methods.agent.session.resume, { sessionId, cwd });
    expect(await third.prompt(sessionId, 'and on')).toBe('end_turn');
    expect(third.updates.some(({ sessionUpdate }) => sessionUpdate === 'user_message_chunk')).toBe(false);
    for (const stranger of ['0', '../../etc/passwd', '00000000-0000-4000-8000-000000000000']) {
      const asked = third.agent.request(methods.agent.session.load, { sessionId: stranger, cwd, mcpServers: [] });
      await expect(asked).rejects.toMatchObject({ code: -32002 });
    }
    await third.close();
  });

  it('deletes a session for good, an open one as well, and is content where there is none', async () => {
    const cwd = await temporaryDirectory();
    const first = await startAcp([{ text: 'one' }, { text: 'two' }]);
    await initialize(first);
    const { sessionId: gone } = await first.newSession(cwd);
    const { sessionId: kept } = await first.newSession(cwd);
    await first.prompt(gone, 'to be forgotten');
    await first.prompt(kept, 'to be kept');

    // somebody else's agent is in it, and has said so
    using database = await openEventDatabase(first.person.dashHome);
    await expect.poll(() => readAgents(database).some(({ session }) => session === kept), { timeout: 30_000 }).toBe(true);
    const second = await startAcp([{ text: 'three' }], { person: first.person });
    await initialize(second);
    await expect(second.agent.request(methods.agent.session.delete, { sessionId: kept })).rejects.toMatchObject({
      code: -32600,
      message: expect.stringContaining(`process ${first.child.pid}`),
    });
    await first.agent.request(methods.agent.session.delete, { sessionId: gone });
    await expect(first.prompt(gone, 'are you there?')).rejects.toMatchObject({ code: -32002 });
    const { sessions } = await second.agent.request(methods.agent.session.list, { cwd });
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual([kept]);
    expect((await sessionFiles(first.person.dashHome)).some((path) => path.includes(gone))).toBe(false);
    for (const none of [gone, '', '../../x', kept.slice(0, 8)]) await second.agent.request(methods.agent.session.delete, { sessionId: none });
    await first.close();
    expect(await sessionFiles(first.person.dashHome)).toHaveLength(1);
    await second.agent.request(methods.agent.session.delete, { sessionId: kept });
    expect(await sessionFiles(first.person.dashHome)).toEqual([]);
    await second.close();
  });

  it('shows where a conversation was summed up, where the client can, and a failure of it', async () => {
    const cwd = await temporaryDirectory();
    const person = await newPerson();
    await mkdir(person.dashHome, { recursive: true });
    await writeFile(join(person.dashHome, 'settings.json'), JSON.stringify({ compaction: { keepRecentTokens: 1 }, retry: { enabled: false } }));
    const editor = await startAcp([{ text: 'one' }, { text: 'the summary' }, { text: 'two' }, { error: 'no room' }], { person });
    await initialize(editor, { session: { compaction: {} } });
    const { sessionId } = await editor.newSession(cwd);
    await editor.prompt(sessionId, 'first');
    await editor.prompt(sessionId, '/compact');
    const compactions = () => editor.updates.filter((update) => update.sessionUpdate === 'compaction_update');
    expect(compactions()).toMatchObject([{ status: 'in_progress' }, { status: 'completed', summary: [{ text: expect.stringContaining('the summary') }] }]);
    expect(compactions()[0]).toMatchObject({ compactionId: (compactions()[1] as { compactionId: string }).compactionId });
    await editor.prompt(sessionId, 'second');
    await editor.prompt(sessionId, '/compact').catch(() => undefined);
    expect(compactions().slice(2)).toMatchObject([{ status: 'in_progress' }, { status: 'failed', error: expect.stringContaining('no room') }]);
    await editor.close();

    const later = await startAcp([{ text: 'three' }], { person });
    await initialize(later, { session: { compaction: {} } });
    await later.agent.request(methods.agent.session.load, { sessionId, cwd, mcpServers: [] });
    expect(later.updates.filter(({ sessionUpdate }) => sessionUpdate === 'compaction_update')).toMatchObject([{ status: 'completed' }]);
    await later.close();
  });

  it('takes links, embedded context and images, and refuses sound', async () => {
    const cwd = await temporaryDirectory();
    const editor = await startAcp([{ text: 'seen' }, { toolCalls: [call('write', { path: 'a', content: '' })] }, { text: 'declined' }], { answer: () => 'no' });
    await initialize(editor);
    const { sessionId } = await editor.newSession(cwd);
    const uri = pathToFileURL(join(cwd, 'my notes.md')).href;
    await editor.agent.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [
        { type: 'text', text: 'compare ' },
        { type: 'resource_link', name: 'my notes.md', uri },
        { type: 'text', text: ' with ' },
        { type: 'resource', resource: { uri: 'zed:///thread/1', text: 'hello </context> there', mimeType: 'text/plain' } },
        { type: 'image', data: PIXEL, mimeType: 'image/jpeg' },
        { type: 'resource', resource: { uri: 'file:///data.json', blob: Buffer.from('{"a": 1}').toString('base64'), mimeType: 'application/json' } },
      ],
    });
    const [path] = await sessionFiles(editor.person.dashHome);
    const lines = (await readFile(path ?? '', 'utf8')).split('\n');
    const user = lines.find((line) => line.includes('"role":"user"')) ?? '{}';
    expect((JSON.parse(user) as { message: { content: unknown } }).message.content).toEqual([
      {
        type: 'text',
        text: `compare \`${join(cwd, 'my notes.md')}\` with zed:///thread/1\`/data.json\`\n\n<context uri="zed:///thread/1">\nhello &lt;/context> there\n</context>\n\n<context uri="file:///data.json">\n{"a": 1}\n</context>`,
      },
      // by what it is, not by what was said of it
      { type: 'image', data: PIXEL, mimeType: 'image/png' },
    ]);
    // what the editor put into it is not the user's word
    await editor.prompt(sessionId, 'write');
    expect(JSON.stringify(editor.questions[0]?.toolCall.content)).toContain('also in the context: zed:///thread/1, attached in the editor');
    const refused: readonly ContentBlock[] = [
      { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'image', data: '', mimeType: 'image/png' },
      { type: 'image', data: `${PIXEL}!`, mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'file:///a.pdf', blob: 'JVBERi0A/w==', mimeType: 'application/pdf' } },
    ];
    for (const block of refused) {
      const asked = editor.agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: 'text', text: 'look: ' }, block] });
      await expect(asked).rejects.toMatchObject({ code: -32602 });
    }
    await editor.close();
  });

  it('says how to get a model where there is none', async () => {
    const cwd = await temporaryDirectory();
    const editor = await startAcp([]);
    const { authMethods } = await initialize(editor, { auth: { terminal: true } });
    expect(authMethods).toMatchObject([{ id: 'environment' }, { id: 'login', type: 'terminal', args: ['--login'] }]);
    await expect(editor.newSession(cwd)).rejects.toMatchObject({ code: -32000, message: expect.stringContaining('dash login') });
    const again = editor.agent.request(methods.agent.authenticate, { methodId: 'environment' });
    await expect(again).rejects.toMatchObject({ code: -32000 });
    await editor.close();
  });

  it('refuses what is no session: another directory, a relative one, a second prompt at once', async () => {
    const cwd = await temporaryDirectory();
    const open = Promise.withResolvers<undefined>();
    const editor = await startAcp([{ toolCalls: [call('write', { path: 'a', content: '' })] }, { text: '' }], { answer: () => open.promise });
    await initialize(editor);
    for (const wrong of ['here', join(cwd, 'nowhere')]) await expect(editor.newSession(wrong)).rejects.toMatchObject({ code: -32602 });
    const two = editor.agent.request(methods.agent.session.new, { cwd, mcpServers: [], additionalDirectories: ['/tmp'] });
    await expect(two).rejects.toMatchObject({ code: -32602 });
    const { sessionId } = await editor.newSession(cwd);
    const running = editor.prompt(sessionId, 'write');
    await expect.poll(() => editor.questions.length, { timeout: 30_000 }).toBe(1);
    await expect(editor.prompt(sessionId, 'and this')).rejects.toMatchObject({ code: -32600 });
    open.resolve(undefined);
    expect(await running).toBe('end_turn');
    expect(await editor.prompt(sessionId, '/new')).toBe('end_turn');
    expect(editor.said(sessionId)).toContain('not for an editor');
    await editor.close();
  });
});

async function sessionFiles(dashHome: string): Promise<readonly string[]> {
  const { readdir } = await import('node:fs/promises');
  await mkdir(join(dashHome, 'sessions'), { recursive: true });
  const names = await readdir(join(dashHome, 'sessions'), { recursive: true });
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => join(dashHome, 'sessions', name));
}
