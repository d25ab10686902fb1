import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../support/in-test-host.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';

const TOOLS = `const tool = (name, more) => ({ name, label: name, description: name, parameters: { type: 'object', properties: {} }, ...more });
export default (pi) => {
  pi.registerTool(tool('plain', { outputSchema: { type: 'object' }, namespace: 'n', annotations: { readOnlyHint: true }, execute: async () => ({ structuredContent: { degrees: 21 } }) }));
  for (const exposure of ['model-only', 'deferred', 'hidden', 'codemode']) pi.registerTool(tool(exposure, { exposure, execute: async () => ({ content: [{ type: 'text', text: exposure }], details: {} }) }));
};`;
const CALLER = `export default (dash) => {
  const call = (ctx, name) => ctx.executeTool('b/' + name).then((answer) => answer.structuredContent ?? answer.content[0].text, (error) => error.code);
  dash.registerCommand('call', { handler: async (args, ctx) => dash.appendEntry('said', await Promise.all(['plain', 'model-only', 'hidden', 'codemode'].map((name) => call(ctx, name)))) });
  dash.registerCommand('list', { handler: () => dash.appendEntry('said', [dash.getActiveTools(), dash.getAllTools().find(({ name }) => name === 'plain')]) });
  dash.registerCommand('choose', { handler: () => dash.setActiveTools(['plain', 'deferred']) });
};`;
const granted = ['session:write', 'session:control', 'tool:b/plain', 'tool:b/model-only', 'tool:b/hidden', 'tool:b/codemode'];

let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});
const start = async (): Promise<SandboxedHost> =>
  (world = await startSandboxedHost({ turns: [{ toolCalls: [{ name: 'plain', arguments: {} }] }, { text: 'done' }] }, [
    { name: 'b', text: TOOLS },
    { name: 'caller', text: CALLER, granted },
  ]));
const said = ({ host }: SandboxedHost): unknown =>
  host.conversation.session.tree.entries.flatMap((entry) => (entry.type === 'custom' && entry.customType === 'said' ? [entry.data] : [])).at(-1);

describe('who may call a tool', () => {
  it('is what it says: the model, packages, or the model once it is chosen', async () => {
    const scene = await start();
    await scene.host.prompt('/list');
    const [active, plain] = said(scene) as [string[], unknown];
    expect(active.filter((name) => ['plain', 'model-only', 'deferred', 'hidden', 'codemode'].includes(name))).toEqual(['plain', 'model-only']);
    expect(plain).toMatchObject({ namespace: 'n', annotations: { readOnlyHint: true }, outputSchema: { type: 'object' } });
    await scene.host.prompt('/call');
    expect(said(scene)).toEqual([{ degrees: 21 }, 'UNKNOWN_TOOL', 'hidden', 'codemode']);
    await scene.host.prompt('/choose');
    await scene.host.prompt('/list');
    expect((said(scene) as [string[]])[0]).toEqual(['plain', 'deferred']);
  });
});

describe('an answer by a schema', () => {
  it('is JSON for the model, and details for who shows it', async () => {
    const scene = await start();
    await ask(scene.host, 'go');
    expect(scene.host.conversation.messages.find(({ role }) => role === 'toolResult')).toMatchObject({
      content: [{ type: 'text', text: '{"degrees":21}' }],
      details: { degrees: 21 },
    });
  });
});
