import { relative, resolve } from 'node:path';
import { skillInvocation } from '../skills-lib/index.ts';
import type { RetryPolicy } from './loop/agent-loop.ts';
import type { Configuration } from './configuration.ts';
import { Conversation, type ConversationOptions } from './conversation/conversation.ts';
import type { HostOptions } from './host-options.ts';
import type { RunningPackages } from './packages/running-packages.ts';
import { DEFAULTS } from './settings/settings-schema.ts';
import type { WorkPlace } from './work-place.ts';

/** What the conversation of a host stands on. */
export interface ConversationParts extends Pick<ConversationOptions, 'models' | 'bus' | 'toolbox' | 'emit' | 'ownerOf' | 'auditHead' | 'session'> {
  readonly configuration: Configuration;
  readonly packages: RunningPackages;
  readonly retry: () => RetryPolicy;
}

/** Opens the conversation of a host, under the user's settings: those that are read anew at a reload count from then on. */
export function openConversation(options: HostOptions, { cwd }: WorkPlace, parts: ConversationParts): Conversation {
  const { configuration, packages, toolbox } = parts;
  const conversation = new Conversation({
    ...parts,
    compaction: () => ({ ...DEFAULTS.compaction, ...configuration.settings.compaction }),
    skillAt(path) {
      const skill = packages.contributions.resources.skills.find((one) => one.path === resolve(cwd, path));
      return skill === undefined ? undefined : skillInvocation(skill, '');
    },
    cacheWarming: () => configuration.settings.cacheWarming ?? DEFAULTS.cacheWarming,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    promptParts: (about) => ({
      ...configuration.promptFiles,
      cwd,
      ...(options.customPrompt === undefined ? {} : { customPrompt: options.customPrompt }),
      ...(options.appendSystemPrompt === undefined ? {} : { appendSystemPrompt: options.appendSystemPrompt }),
      tools: toolbox.snippets(),
      skillCatalog: packages.contributions.resources.offered.catalog(about),
      skills: packages.contributions.resources.skills.map(({ name, description, path, directory }) => ({
        name,
        description,
        filePath: path,
        baseDir: directory,
      })),
      date: new Date().toISOString().slice(0, 10),
    }),
    projectFiles: () => configuration.promptFiles.ofProject.map((path) => relative(cwd, path)),
    versioned: (name) => packages.versioned(name),
    thinking: options.thinking ?? configuration.settings.thinking,
  });
  conversation.queues.steeringMode = configuration.settings.steeringMode ?? DEFAULTS.queueMode;
  conversation.queues.followUpMode = configuration.settings.followUpMode ?? DEFAULTS.queueMode;
  return conversation;
}
