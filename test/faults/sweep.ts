import { expect } from 'vitest';

import { inject, type Outcome, type Point, record } from './injection.ts';
import { assertInvariant, stateOf, surroundingsOf } from './invariant.ts';
import { type Action, copySite, makeSite, removeSite, type Site, startFixtureRegistry } from './site.ts';

export interface Sweep {
  /** What happens at each point, e.g. `signal=KILL`. */
  readonly effect: string;
  /** Which of the calls can fail so. Default: all. */
  readonly calls?: (point: Point) => boolean;
  /** Takes as many points as this, spread by the seed; default all. */
  readonly points?: number;
  /** More that holds of this fault. */
  readonly check?: (outcome: Outcome, point: Point) => void;
}

/** How many copies of an action run beside each other: strace waits more than it works. */
const LANES = 2;

/**
 * Does an action once for each of its changing calls, with a fault in the place of that call, and checks the invariant
 * after each. Answers how many points there are, how many were tried, and how many were hit.
 */
export async function sweep(action: Action, { effect, calls = () => true, points: wanted, check }: Sweep) {
  const registry = await startFixtureRegistry();
  const prepared = await makeSite(registry.url);
  await action.prepare(prepared, registry);

  const settled = async () => {
    const site = await copySite(prepared);
    await action.settle?.(site);
    return site;
  };
  const whole = await settled();
  const all = (await record({ args: [...action.args, '--json'], cwd: whole.workspace, env: whole.env }, whole.dashHome)).filter(calls);
  const [before, after] = [await stateOf(prepared), await stateOf(whole)];
  await removeSite(whole);
  const chosen = wanted === undefined ? all : sample(all, wanted, SEED);
  let hit = 0;
  let tried = 0;
  const queue = [...chosen];
  // one that is not met, because the threads took turns otherwise than before, has somebody in its stead
  const spares = all.filter((point) => !chosen.includes(point));
  const lanes = Array.from({ length: LANES }, async () => {
    for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
      tried++;
      const isHit = await tryPoint(point);
      const [spare] = isHit ? [] : spares.splice(0, 1);
      if (isHit) hit++;
      if (spare !== undefined) queue.push(spare);
    }
  });
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
  return { points: all.length, tried, hit };

  async function tryPoint(point: Point): Promise<boolean> {
    let site = await settled();
    let outcome = await injectAt(point, site);
    // threads wake each other by writing to a file of the kernel, sometimes once more or less: that is no disk
    for (const shift of [1, -1, 2, -2]) {
      if (outcome.injected.every((text) => text.includes(site.dashHome))) break;
      await removeSite(site);
      site = await settled();
      outcome = await injectAt({ ...point, when: Math.max(1, point.when + shift) }, site);
    }
    if (!outcome.injected.every((text) => text.includes(site.dashHome))) {
      await removeSite(site);
      return false;
    }
    try {
      check?.(outcome, point);
      await assertInvariant(site, { before, after, surroundings: surroundingsOf(prepared), exitCode: outcome.code, output: outcome.stdout, args: action.args });
    } catch (error) {
      const where = `${action.name}, ${effect} at ${point.thread} ${point.syscall} ${point.when}: ${point.text}`;
      throw new Error(`${where}\n${outcome.injected.join('\n')}\n${outcome.signal ?? outcome.code} ${outcome.stdout} ${outcome.stderr}`, { cause: error });
    }
    await removeSite(site);
    return outcome.signal === 'SIGKILL' || outcome.injected.length > 0;
  }

  function injectAt(point: Point, site: Site): Promise<Outcome> {
    return inject({ ...point, effect }, { args: [...action.args, '--json'], cwd: site.workspace, env: site.env });
  }
}

/** Another seed tries other points: `FAULTS_SEED=2 npm run test:faults`. */
export const SEED = Number(process.env['FAULTS_SEED'] ?? 1);
/** `FAULTS=full` tries all of them. */
export const IS_FULL = process.env['FAULTS'] === 'full';

/** One of every stretch of equal length: early, middle and late calls are in it whatever the seed. */
function sample<T>(items: readonly T[], count: number, seed: number): readonly T[] {
  if (count >= items.length) return items;
  const random = mulberry32(seed);
  return Array.from({ length: count }, (_, at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((edge * items.length) / count));
    return items[(from ?? 0) + Math.floor(random() * ((to ?? 0) - (from ?? 0)))];
  }).filter((item) => item !== undefined);
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function report(name: string, { points, tried, hit }: Awaited<ReturnType<typeof sweep>>): void {
  process.stdout.write(`${name}: ${points} points, ${tried} tried, ${hit} hit\n`);
  expect(hit).toBeGreaterThan(0);
}
