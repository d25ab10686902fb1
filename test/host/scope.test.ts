import { describe, expect, it } from 'vitest';
import { cycle, scopeModels } from '../../host/model/scope.ts';
import type { ModelInfo, ModelPort } from '../../host/model/port.ts';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { startTestHost } from '../support/in-test-host.ts';
import { startSandboxedHost } from '../support/sandboxed-host.ts';

const script = createScriptedModel({ turns: [{ text: 'ok' }], repeat: true });
const [BASE] = await script.models();
const model = (reference: string, name = reference): ModelInfo => {
  if (BASE === undefined) throw new Error('the scripted model is gone');
  const slash = reference.indexOf('/');
  return { ...BASE, provider: reference.slice(0, slash), id: reference.slice(slash + 1), name };
};
const ALL = [
  model('anthropic/claude-opus-4-20250101', 'Claude Opus 4 of then'),
  model('anthropic/claude-opus-4', 'Claude Opus 4'),
  model('anthropic/claude-opus-5', 'Claude Opus 5'),
  model('openai/gpt-5.5', 'GPT'),
  model('openrouter/anthropic/claude-opus-5', 'Opus over there'),
  model('bedrock/nova:2', 'Nova'),
];
const port: ModelPort = { ...script, models: async () => ALL };
const names = (patterns: readonly string[]): string[] =>
  scopeModels(patterns, ALL).models.map(({ model: { provider, id }, thinkingLevel }) => `${provider}/${id} ${thinkingLevel ?? ''}`.trim());

describe('the models that patterns name', () => {
  it.each([
    [['openai/gpt-5.5'], ['openai/gpt-5.5']],
    [['GPT-5.5:high'], ['openai/gpt-5.5 high']],
    [['opus'], ['anthropic/claude-opus-5']],
    [['opus 4'], ['anthropic/claude-opus-4']],
    [['anthropic/*:low'], ['anthropic/claude-opus-4-20250101 low', 'anthropic/claude-opus-4 low', 'anthropic/claude-opus-5 low']],
    [['*opus-5'], ['anthropic/claude-opus-5', 'openrouter/anthropic/claude-opus-5']],
    [['bedrock/nova:2', 'bedrock/nova:2:off'], ['bedrock/nova:2']],
    [['nova:off'], ['bedrock/nova:2 off']],
    [['openai/gpt-5.5', 'gpt-5.5:high', ' '], ['openai/gpt-5.5']],
  ])('%j are %j', (patterns, expected) => {
    expect(names(patterns)).toEqual(expected);
  });

  it('are told apart from patterns that match nothing', () => {
    expect(scopeModels(['gpt-5.5', 'nobody/*', 'gpt-5.5:hihg'], ALL).unmatched).toEqual(['nobody/*', 'gpt-5.5:hihg']);
  });

  it('are cycled through both ways, from the first where another one answers', () => {
    const { models } = scopeModels(['gpt-5.5', 'nova'], ALL);
    const [gpt, nova] = models;
    expect(cycle(models, gpt?.model, 1)).toBe(nova);
    expect(cycle(models, gpt?.model, -1)).toBe(nova);
    expect(cycle(models, ALL[0], 1)).toBe(gpt);
    expect(cycle(models.slice(0, 1), gpt?.model, 1)).toBeUndefined();
    expect(cycle([], gpt?.model, 1)).toBeUndefined();
  });
});

describe('a host with a scope', () => {
  it('starts with its first, cycles within it, and says what matches nothing', async () => {
    await using world = await startTestHost({ turns: [{}] }, [], { models: port, scope: ['nova:high', 'gpt-5.5', 'nobody'] });
    const { host } = world;
    expect(host.conversation).toMatchObject({ model: { id: 'nova:2' }, thinking: 'high' });
    expect(host.cycleModel(1)).toMatchObject({ model: { id: 'gpt-5.5' } });
    expect(host.cycleModel(1)).toMatchObject({ model: { id: 'nova:2' }, thinkingLevel: 'high' });
    expect(host.diagnostics).toContainEqual(expect.objectContaining({ code: 'NO_SUCH_MODEL', message: expect.stringContaining('nobody') }));
    await using asked = await startTestHost({ turns: [{}] }, [], { models: port, scope: ['nova'], model: 'openai/gpt-5.5' });
    expect(asked.host.conversation.model).toMatchObject({ id: 'gpt-5.5' });
  });

  it('shows it to packages', async () => {
    const text = `export default (dash) => dash.registerCommand('go', { handler: (args, ctx) => dash.appendEntry('said', ctx.scopedModels.map(({ model, thinkingLevel }) => [model.id, thinkingLevel])) });`;
    await using world = await startSandboxedHost({ turns: [{}] }, [{ name: 'p', text, granted: ['session:write'] }], { models: port, scope: ['gpt-5.5:low'] });
    await world.host.prompt('/go');
    expect(world.host.conversation.session.tree.entries).toContainEqual(expect.objectContaining({ type: 'custom', data: [['gpt-5.5', 'low']] }));
  });
});
