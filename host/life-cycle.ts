import type { Shell } from '../sandbox/index.ts';
import type { Configuration } from './configuration.ts';
import type { EventBus } from './bus/event-bus.ts';
import type { HostEvent } from './host-event.ts';
import type { ModelList } from './model/model-list.ts';
import type { StandingTrust } from './prompt/project-trust.ts';
import type { Reloaded } from './packages/reload.ts';
import type { RunningPackages } from './packages/running-packages.ts';
import type { UserInterface } from './user-interface.ts';
import { withoutGrowing } from './without-growing.ts';

export interface LifeCycleOptions {
  readonly cwd: string;
  /** Whether the session was there before. */
  readonly isResumed: boolean;
  readonly bus: EventBus;
  readonly configuration: Configuration;
  readonly trust: StandingTrust;
  readonly packages: RunningPackages;
  readonly models: ModelList;
  readonly shell: Shell;
  readonly ui: () => UserInterface;
  readonly emit: (event: HostEvent) => Promise<void>;
}

/** What the packages of a host go through together: the session begins, they are loaded anew, it ends. */
export interface LifeCycle {
  /** Tells the packages that the session begins, once. */
  begin(): Promise<void>;
  /** What is still to be waited for before a prompt; nothing once the session has begun. */
  beginning(): Promise<void> | undefined;
  /** Reads everything again and puts the next generation in the place of the running one. */
  reload(): Promise<Reloaded>;
  /** Tells the packages that the session ends, if they were told that it began. */
  end(): Promise<void>;
}

/** Makes the life cycle of a host whose packages are loaded before it begins. */
export function createLifeCycle({ cwd, isResumed, bus, configuration, trust, packages, models, shell, ui, emit }: LifeCycleOptions): LifeCycle {
  let begun: Promise<void> | undefined;
  let hasBegun = false;

  const discover = async (reason: 'startup' | 'reload'): Promise<void> => {
    const { generations } = packages;
    if (bus.listens('resources_discover') || generations.current.discovered.length > 0) await generations.discovered(await bus.discover(cwd, reason));
  };

  const begin = (): Promise<void> =>
    (begun ??= (async () => {
      const undone = await shell.recover();
      if (undone !== '') ui().notify(`the last agent here was killed in the middle of a command:\n${undone.trimEnd()}`, 'warning');
      await bus.notify({ type: 'session_start', reason: isResumed ? 'resume' : 'startup' });
      await discover('startup');
      hasBegun = true;
    })());

  const reload = async (): Promise<Reloaded> => {
    await configuration.reread();
    let states: ReadonlyMap<string, unknown> = new Map();
    const { arrived, ...reloaded } = await packages.generations.reload(async (gone) => {
      states = await bus.handOver({ type: 'session_shutdown', reason: 'reload' }, ({ sandboxed }) => gone.includes(sandboxed));
    });
    await Promise.all(
      arrived.map((sandboxed) => {
        const state = states.get(sandboxed.name);
        return bus.notify({ type: 'session_start', reason: 'reload', ...(state === undefined ? {} : { state }) }, (handler) => handler.sandboxed === sandboxed);
      }),
    );
    await discover('reload');
    await models.refresh();
    const diagnostics = [...configuration.diagnostics, ...trust.diagnostics, ...packages.contributions.diagnostics];
    await emit({ type: 'reload', ...reloaded, diagnostics });
    return { ...reloaded, diagnostics };
  };

  return {
    begin,
    beginning: () => (hasBegun ? undefined : begin()),
    reload: () => withoutGrowing(reload),
    async end() {
      if (begun !== undefined) await bus.notify({ type: 'session_shutdown', reason: 'quit' });
      await bus.settled();
    },
  };
}
