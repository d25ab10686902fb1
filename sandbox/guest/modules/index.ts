import { throwing } from '../builtins/throwing-members.ts';
import type { GuestLink } from '../link.ts';
import { createModelAccess } from './model-access.ts';

/**
 * Makes the host's modules that need no library: they lie in the core. The others (`typebox`, `pi-ai`, `pi-tui`,
 * `pi-coding-agent`, `dash-agent`) come with the parts, which reach the broker through `dash:model` and the builtins.
 */
export function createModules(link: GuestLink, requireModule: (name: string) => unknown): (name: string) => unknown {
  const made = new Map<string, unknown>();
  const factories: Readonly<Record<string, () => unknown>> = {
    'dash:facts': () => link.facts,
    'dash:model': () => createModelAccess(link),
    'pi-agent-core': () => agentCore(requireModule),
    'pi-agent': () => agentCore(requireModule),
  };
  return (name) => {
    if (!made.has(name) && Object.hasOwn(factories, name)) made.set(name, factories[name]?.());
    return made.get(name);
  };
}

/** pi-agent-core is the loop itself, which runs in the host: its names are there and say so. */
function agentCore(requireModule: (name: string) => unknown): Record<string, unknown> {
  const refuse = (name: string) =>
    Object.assign(new Error(`\`pi-agent-core.${name}\` is not available in the sandbox: the agent loop runs in the host; use \`dash.spawnAgent\``), { code: 'UNSUPPORTED_API' });
  const members: Record<string, unknown> = {};
  for (const name of ['Agent', 'AgentHarness', 'agentLoop', 'agentLoopContinue', 'runAgentLoop', 'runAgentLoopContinue', 'streamProxy', 'setDefaultStreamFn', 'ProxyMessageEventStream', 'Session', 'InMemorySessionStorage', 'JsonlSessionStorage']) {
    members[name] = throwing(name, refuse);
  }
  Object.defineProperty(members, 'uuidv7', { enumerable: true, get: () => Reflect.get(requireModule('crypto') as object, 'randomUUID') });
  return members;
}
