import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';

const ALL = ['session:read', 'session:write', 'session:control'];
let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

const commanding = (body: string) => ({
  name: 'p',
  granted: ALL,
  text: `export default (dash) => dash.registerCommand('go', { handler: async (args, ctx) => { const say = (value) => dash.appendEntry('said', value ?? null); ${body} } });`,
});
const said = ({ host }: Pick<SandboxedHost, 'host'>): unknown[] =>
  host.conversation.session.tree.entries.flatMap((entry) => (entry.type === 'custom' && entry.customType === 'said' ? [entry.data] : []));
const problems = ({ events }: SandboxedHost) => events.filter((event) => event.type === 'extension_error');
const texts = ({ host }: SandboxedHost): string =>
  JSON.stringify(host.conversation.messages.map((message) => ('content' in message ? message.content : message.role)));

describe('a command that begins another session', () => {
  it('goes on there, with a context that speaks in it', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'one' }, { text: 'two' }], repeat: true }, [
      commanding(`
        const before = ctx.sessionManager.getSessionFile();
        const answer = await ctx.newSession({ parentSession: before, withSession: async (next) => {
          await next.sendMessage({ customType: 'note', content: 'left over', display: true });
          await next.sendUserMessage('go on here');
          await next.waitForIdle();
          say([next.sessionManager.getSessionFile() !== before, next.sessionManager.getHeader().parentSession === before]);
        } });
        say(answer);
      `),
    ]);
    await ask(world.host, 'first');
    await world.host.prompt('/go');
    await world.host.settle();
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual([[true, true], { cancelled: false }]);
    expect(texts(world)).toMatch(/left over.*go on here.*two/);
    expect(texts(world)).not.toMatch(/first/);
  });

  it('does nothing of it where a package keeps the session', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'one' }] }, [
      commanding(`say(await ctx.newSession({ withSession: () => say('never') }));`),
      { name: 'keeper', granted: ALL, text: `export default (pi) => { pi.on('session_before_switch', () => ({ cancel: true })); };` },
    ]);
    await world.host.prompt('/go');
    expect(said(world)).toEqual([{ cancelled: true }]);
  });

  it('may fork at a place, with it or before it, and come back', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'one' }, { text: 'two' }] }, [
      commanding(`
        const first = ctx.sessionManager.getEntries().find(({ type }) => type === 'message');
        const home = ctx.sessionManager.getSessionFile();
        await ctx.fork(first.id, { position: 'at', withSession: (next) => say(next.sessionManager.getBranch().filter(({ type }) => type === 'message').length) });
        await ctx.switchSession(home, { withSession: (next) => say(next.sessionManager.getSessionFile() === home) });
      `),
    ]);
    await ask(world.host, 'first');
    await world.host.prompt('/go');
    expect(problems(world)).toEqual([]);
    expect(said(world)).toEqual([true]);
    const { parentSession } = JSON.parse((await readFile(world.host.conversation.session.file ?? '', 'utf8')).split('\n', 1)[0] ?? '{}');
    expect(parentSession).toBeUndefined();
  });
});

describe('a way through the tree', () => {
  it('names the place it leads to, or the summary of what it leaves; a package may say otherwise', async () => {
    const heard: unknown[] = [];
    const answers: Record<string, unknown>[] = [{}, { label: 'theirs', summary: { summary: 'what was tried' } }];
    await using host = await startTestHost({ turns: [{ text: 'one' }, { text: 'two' }, { text: 'summed up' }] }, [
      { name: 'p', granted: ALL, extension: { on: [['session_before_tree', (event) => (heard.push(event['preparation']), answers.shift())]] } },
    ]);
    await ask(host.host, 'first');
    await ask(host.host, 'second');
    const { tree } = host.host.conversation.session;
    const first = tree.entries.find((entry) => entry.type === 'message');
    if (first === undefined) throw new Error('nothing was said');
    await host.host.sessions.navigate(first.id, { label: 'mine' });
    expect(tree.label(first.id)).toBe('mine');
    const last = tree.entries.findLast((entry) => entry.type === 'message')?.id ?? '';
    await host.host.sessions.navigate(last, { label: 'mine' });
    expect(tree.label(last)).toBe('theirs');
    await host.host.sessions.navigate(first.id, { label: 'mine', summarize: true, instructions: 'be brief', replaceInstructions: true });
    expect(heard.at(-1)).toMatchObject({ label: 'mine', customInstructions: 'be brief', replaceInstructions: true });
    const summary = tree.entries.findLast((entry) => entry.type === 'branch_summary');
    expect(tree.label(summary?.id ?? '')).toBe('mine');
  });

  it('asks for the summary that is wanted, and for nothing else', async () => {
    world = await startSandboxedHost({ turns: [{ text: 'one' }, { text: 'two' }] }, [
      commanding(`
        const first = ctx.sessionManager.getEntries().find(({ type }) => type === 'message');
        say(await ctx.navigateTree(first.id, { label: 'begin' }));
        say(ctx.sessionManager.getLabel(first.id));
      `),
    ]);
    await ask(world.host, 'first');
    await world.host.prompt('/go');
    expect(said(world)).toEqual([{ cancelled: false }, 'begin']);
  });
});

describe('the end of a turn', () => {
  it('shows what the context is made of, entry by entry', async () => {
    const seen: unknown[] = [];
    await using host = await startTestHost({ turns: [{ text: 'one' }] }, [
      { name: 'p', granted: ALL, extension: { on: [['turn_end', (event) => void seen.push(event['context'])]] } },
    ]);
    await ask(host.host, 'first');
    const entries = host.host.conversation.session.tree.entries.filter((entry) => entry.type === 'message');
    expect(seen).toMatchObject([
      {
        contextEntries: expect.arrayContaining([
          { sourceEntry: expect.objectContaining({ id: entries[0]?.id }), messages: [expect.objectContaining({ role: 'user' })] },
        ]),
      },
    ]);
  });
});

describe('a command that the user typed', () => {
  it('is run by what a handler answers with, in its sandbox', async () => {
    const operations = `{ exec: async (command, cwd, { onData }) => { onData(new TextEncoder().encode(command + ' there\\n')); return { exitCode: 3 }; } }`;
    const text = `export default (pi) => { pi.on('user_bash', () => ({ operations: ${operations} })); };`;
    world = await startSandboxedHost({ turns: [{}] }, [{ name: 'p', text, granted: ['tools:intercept'] }]);
    expect(await world.host.runBash('uname')).toMatchObject({ output: 'uname there\n', exitCode: 3, cancelled: false });
  });
});
