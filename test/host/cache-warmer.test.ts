import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../host/conversation/cache-warmer.ts';
import type { ModelInfo, ModelOptions, ModelPort } from '../../host/model/port.ts';
import { createScriptedModel, type Script } from '../../host/model/scripted.ts';
import { decideWarming, scheduleWarming } from '../../host/conversation/plan-warming.ts';
import { ask, startTestHost, type TestHost, type TestPackage } from '../support/in-test-host.ts';

/** A clock that a test moves. */
class Hands implements Clock {
  #now = 0;
  readonly #waiting = new Map<() => void, number>();
  now = (): number => this.#now;
  after(delayMs: number, fire: () => void): { cancel(): void } {
    this.#waiting.set(fire, this.#now + delayMs);
    return { cancel: () => this.#waiting.delete(fire) };
  }
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }
  /** `lateMs`: how much later than its time what is due comes. */
  move(ms: number, lateMs = 0): void {
    const until = this.#now + ms;
    const due = [...this.#waiting].filter(([, at]) => at <= until);
    this.#now = until + lateMs;
    for (const [fire] of due) {
      this.#waiting.delete(fire);
      fire();
    }
  }
}

const REMEMBERS: Partial<ModelInfo> = { promptCache: { short: 300 }, cost: { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 } };

/** A scripted model of a provider that remembers prompts, and what it was asked for. */
function remembering(script: Script, change: Partial<ModelInfo> = REMEMBERS): { port: ModelPort; asked: ModelOptions[] } {
  const inner = createScriptedModel(script);
  const asked: ModelOptions[] = [];
  const port: ModelPort = {
    models: async () => (await inner.models()).map((model) => ({ ...model, ...change })),
    stream(model, transcript, options) {
      asked.push(options);
      return inner.stream(model, transcript, options);
    },
  };
  return { port, asked };
}

const LONG = { text: 'x', usage: { input: 100_000, output: 10 } };
const script: Script = { turns: [{ ...LONG, toolCalls: [{ name: 'wait', arguments: {} }] }, LONG], repeat: true };

/** A run that stands in a tool for as long as a test wants. */
function waiting(answer?: unknown): { readonly pkg: TestPackage; readonly entered: Promise<void>; leave(): void; readonly heard: unknown[] } {
  const entered = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const heard: unknown[] = [];
  const pkg: TestPackage = {
    name: 'p',
    granted: ['session:control'],
    extension: {
      tools: {
        async wait() {
          entered.resolve();
          await left.promise;
          return { content: [{ type: 'text', text: 'waited' }], details: {}, isError: false };
        },
      },
      on: [['cache_warming_decision', (event) => (heard.push(event), answer)]],
    },
  };
  return { pkg, entered: entered.promise, leave: left.resolve, heard };
}

const usages = ({ host }: TestHost) => host.conversation.session.tree.entries.filter((entry) => entry.type === 'usage');
/** Until what the moved clock set going has come to its end. */
const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; !isSo() && tries < 10_000; tries += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(isSo()).toBe(true);
};

/** Long enough for everything that needs no time. */
const calm = async (): Promise<void> => {
  for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a prompt cache that is about to be forgotten', () => {
  it('is kept by one token while a tool takes long, and what it cost stands in the session', async () => {
    const clock = new Hands();
    const { port, asked } = remembering(script);
    const { pkg, entered, leave, heard } = waiting();
    await using world = await startTestHost({ turns: [{}] }, [pkg], { models: port, clock });
    const run = ask(world.host, 'go');
    await entered;
    clock.move(270_000);
    await until(() => usages(world).length === 1);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatchObject({ maxTokens: 1 });
    expect(heard).toMatchObject([{ type: 'cache_warming_decision', action: 'warm', continuationProbability: 1 }]);
    expect(usages(world)).toMatchObject([{ kind: 'cache_warm', provider: 'scripted', model: 'scripted' }]);
    // and again, as long as it takes
    await until(() => clock.isWaiting);
    clock.move(270_000);
    await until(() => usages(world).length === 2);
    leave();
    await run;
    expect(clock.isWaiting).toBe(false);
  });

  it.each([
    ['an extension says so', { action: 'stop' }, REMEMBERS, 0],
    ['its machine slept', undefined, REMEMBERS, 20_000],
    ['a few tokens are cheaper anew', undefined, { ...REMEMBERS, cost: { input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.1 } }, 0],
  ])('is let go when %s', async (_why, answer, change, lateMs) => {
    const clock = new Hands();
    const { port, asked } = remembering(script, change);
    const { pkg, entered, leave } = waiting(answer);
    await using world = await startTestHost({ turns: [{}] }, [pkg], { models: port, clock });
    const run = ask(world.host, 'go');
    await entered;
    clock.move(270_000, lateMs);
    await calm();
    expect(asked).toHaveLength(1);
    leave();
    await run;
    expect(asked).toHaveLength(2);
    expect(usages(world)).toEqual([]);
  });

  it.each([
    ['streaming', 0],
    ['idle', 1],
    ['off', 0],
  ])('of an agent that waits is kept with `%s`', async (cacheWarming, times) => {
    const dashHome = await mkdtemp(join(tmpdir(), 'dash-home-'));
    await writeFile(join(dashHome, 'settings.json'), JSON.stringify({ cacheWarming }));
    const clock = new Hands();
    const { port } = remembering({ turns: [LONG], repeat: true });
    await using world = await startTestHost({ turns: [{}] }, [], { models: port, clock, dashHome });
    await ask(world.host, 'go');
    clock.move(270_000);
    await (times === 0 ? calm() : until(() => usages(world).length === times));
    expect(usages(world)).toHaveLength(times);
    await rm(dashHome, { recursive: true });
  });

  it('may be kept by an extension where the host would not, which is noted', async () => {
    const clock = new Hands();
    const { port } = remembering(script, { ...REMEMBERS, cost: { input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.1 } });
    const { pkg, entered, leave } = waiting({ action: 'warm' });
    await using world = await startTestHost({ turns: [{}] }, [pkg], { models: port, clock });
    const run = ask(world.host, 'go');
    await entered;
    clock.move(270_000);
    await until(() => usages(world).length === 1);
    expect(usages(world)).toMatchObject([{ note: 'extension override' }]);
    leave();
    await run;
  });
});

describe('the plan', () => {
  const model = async (change: Partial<ModelInfo>): Promise<ModelInfo> => {
    const [first] = await createScriptedModel(script).models();
    if (first === undefined) throw new Error('no model');
    return { ...first, ...change };
  };

  it('asks again before the end, with a margin, and only where the cache survives it', async () => {
    const plan = async (change: Partial<ModelInfo>, options = {}) => scheduleWarming({ model: await model(change), options });
    expect(await plan({ promptCache: { short: 300 } })).toEqual({ warmAfterMs: 270_000, tooLateAfterMs: 285_000 });
    expect(await plan({ promptCache: { short: 20 } })).toEqual({ warmAfterMs: 10_000, tooLateAfterMs: 15_000 });
    for (const promptCache of [{}, { short: 10 }, { long: 3600 }]) expect(await plan({ promptCache })).toBeUndefined();
    const thinking = { thinking: 'low' } as const;
    expect(await plan({ promptCache: { short: 300 }, api: 'anthropic-messages' }, thinking)).toBeUndefined();
    expect(await plan({ promptCache: { short: 300 }, api: 'anthropic-messages', compat: { forceAdaptiveThinking: true } }, thinking)).toBeDefined();
  });

  it('counts what would be saved, and how likely somebody goes on', async () => {
    const usage = {
      input: 100_000,
      output: 0,
      cacheRead: 0,
      cacheWrite: 0,
      totalTokens: 100_000,
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
    };
    const priced = await model(REMEMBERS);
    expect(decideWarming(priced, usage, 'streaming')).toMatchObject({ action: 'warm', missCost: expect.closeTo(1.15), warmCost: expect.closeTo(0.10005) });
    expect(decideWarming(priced, usage, 'idle')).toMatchObject({ action: 'warm', continuationProbability: 0.15 });
    expect(decideWarming(priced, { ...usage, input: 50_000 }, 'idle')).toMatchObject({ action: 'stop' });
    expect(decideWarming(priced, undefined, 'streaming')).toMatchObject({ action: 'stop', missCost: 0 });
  });
});
