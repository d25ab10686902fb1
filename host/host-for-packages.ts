import { isDashError } from '../format/index.ts';
import type { HostPorts } from '../sandbox/index.ts';
import type { RetryPolicy } from './loop/agent-loop.ts';
import type { Announcer } from './announcer.ts';
import type { EventBus } from './bus/event-bus.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { HostModels } from './host-models.ts';
import { createHostPorts } from './ports.ts';
import { slashCommands } from './prompt-text.ts';
import type { RunningPackages } from './packages/running-packages.ts';
import type { SessionSwitch } from './session-control.ts';
import { spawnAgent } from './spawn-agent.ts';
import type { TakePrompt } from './take-prompt.ts';
import type { Toolbox } from './toolbox.ts';
import type { UserInterface } from './user-interface.ts';

export interface HostForPackagesOptions {
  readonly cwd: string;
  /** Whether the project is, now. */
  readonly trusted: () => boolean;
  readonly flags: ReadonlyMap<string, boolean | string>;
  readonly bus: EventBus;
  readonly toolbox: Toolbox;
  readonly models: HostModels;
  readonly packages: RunningPackages;
  readonly conversation: Conversation;
  readonly sessions: SessionSwitch;
  readonly prompt: TakePrompt;
  readonly announcer: Announcer;
  readonly ui: () => UserInterface;
  readonly retry: () => RetryPolicy;
  /** Ends what is still running when the host ends. */
  readonly closing: AbortSignal;
}

/** Makes what packages have of the host, each under its grants. */
export function createHostForPackages(options: HostForPackagesOptions): HostPorts {
  const { cwd, trusted, flags, bus, toolbox, models, packages, conversation, sessions, prompt, announcer, ui, retry, closing } = options;
  return createHostPorts(() => ({
    conversation,
    bus,
    toolbox,
    models: models.port,
    modelList: models.list,
    scopedModels: () => models.scope.models,
    ui: ui(),
    trusted: trusted(),
    flags,
    commands: () => slashCommands(packages.contributions),
    promptFor(packageName, text, images, deliverAs) {
      const whose = [`package:${packages.versioned(packageName)}`];
      if (conversation.isStreaming) conversation.queue(deliverAs ?? 'steer', text, images, { typed: undefined, whose });
      else
        prompt(text, { images, source: 'extension', whose }).catch((error: unknown) => {
          announcer.report({
            package: packageName,
            event: 'input',
            code: isDashError(error) ? error.code : 'INTERNAL',
            message: error instanceof Error ? error.message : String(error),
          });
        });
    },
    control: (packageName, control) => sessions.control(packageName, control),
    toolsChanged(packageName, refused) {
      packages.takeUpTools();
      if (refused !== undefined)
        void announcer.emit({ type: 'extension_error', extensionPath: packageName, event: 'registerTool', error: refused.message, code: refused.code });
    },
    emitAcross(packageName, channel, data) {
      for (const { pkg, sandboxed } of packages.generations.current.extensions) if (pkg.name !== packageName) sandboxed?.emit(channel, data);
    },
    spawn: (spawn, signal) =>
      spawnAgent(
        spawn,
        {
          toolbox,
          bus,
          models: models.port,
          modelList: models.list.all,
          model: () => conversation.model,
          thinking: () => conversation.thinking,
          cwd,
          retry: retry(),
          spent: ({ provider, id }, usage) => conversation.noteUsage({ type: 'usage', kind: `agent ${spawn.name}`, provider, model: id, usage }),
        },
        AbortSignal.any([signal, closing]),
      ),
    announce: (event) => void announcer.emit(event),
  }));
}
