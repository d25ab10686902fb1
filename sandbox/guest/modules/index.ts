import type { Stage } from '../api/stage.ts';
import type { GuestLink } from '../link.ts';
import { withAllExports } from './host-exports.ts';
import { createModelAccess } from './model-access.ts';

/**
 * Makes the host's modules that need no library: they lie in the core. The others (`typebox`, `pi-ai`, `pi-tui`,
 * `pi-coding-agent`, `dash-agent`) come with the parts, which reach the broker through `dash:model` and the builtins.
 */
export function createModules(link: GuestLink, stage: Stage): (name: string) => unknown {
  const made = new Map<string, unknown>();
  const factories: Readonly<Record<string, () => unknown>> = {
    'dash:facts': () => link.facts,
    'dash:stage': () => stage,
    'dash:model': () => createModelAccess(link),
    'pi-agent-core': () => agentCore(),
    'pi-agent': () => agentCore(),
  };
  return (name) => {
    if (!made.has(name) && Object.hasOwn(factories, name)) made.set(name, factories[name]?.());
    return made.get(name);
  };
}

/** pi-agent-core is the loop itself, which runs in the host: its names are there and say so. */
function agentCore(): Record<string, unknown> {
  return withAllExports('pi-agent-core', {}, 'the agent loop runs in the host; use `dash.spawnAgent`');
}
