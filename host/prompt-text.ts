import { argumentHint, fillPrompt, type FoundSkill, skillInvocation, skillReminder, splitArguments } from '../skills-lib/index.ts';
import { HOST_COMMANDS, type HostCommand } from './commands/index.ts';
import type { CommandContribution, Contributions } from './packages/contributions.ts';
import { packageOrigin, type ResourceCatalog } from './packages/resource-catalog.ts';
import type { Origin } from './session/origins.ts';
import { isInContext } from './session/invoked-skills.ts';
import type { AgentMessage } from './loop/transcript.ts';

/** What a line of the user's is: a command of the host, one of a package, or something for the model. */
export type PromptText =
  | { readonly kind: 'host'; readonly command: HostCommand; readonly args: string }
  | { readonly kind: 'extension'; readonly command: CommandContribution; readonly args: string }
  | { readonly kind: 'text' };

/** Tells commands and text apart. An unknown `/word` is text: paths begin with a slash too. */
export function readPromptText(text: string, { commands }: Pick<Contributions, 'commands'>): PromptText {
  const [, name = '', args = ''] = /^\/(\S+)\s*([^]*)$/.exec(text) ?? [];
  const own = HOST_COMMANDS.find((command) => command.name === name);
  if (own !== undefined) return { kind: 'host', command: own, args };
  const command = commands.get(name);
  return command === undefined ? { kind: 'text' } : { kind: 'extension', command, args };
}

/**
 * Puts the body of a skill in the place of `/skill:name`, a filled-in template in the place of `/template`. A skill whose
 * text stands in `messages` already is only named.
 */
export function expandText(text: string, { skills, prompts }: Pick<ResourceCatalog, 'skills' | 'prompts'>, messages: () => readonly AgentMessage[]): string {
  const invoked = skillIn(text, skills);
  if (invoked !== undefined) {
    const { skill, args } = invoked;
    return (isInContext(skillInvocation(skill, ''), messages()) ? skillReminder : skillInvocation)(skill, args);
  }
  const [, name = '', args = ''] = /^\/(\S+)\s*([^]*)$/.exec(text) ?? [];
  const prompt = prompts.find((candidate) => candidate.name === name);
  return prompt === undefined ? text : fillPrompt(prompt.body, splitArguments(args));
}

/** The skill that `/skill:name` starts. Names of real ones hold spaces: of two that fit, the longer one is meant. */
function skillIn(text: string, skills: ResourceCatalog['skills']): { readonly skill: FoundSkill; readonly args: string } | undefined {
  if (!text.startsWith(SKILL)) return undefined;
  const typed = text.slice(SKILL.length);
  const fitting = skills.filter(({ name }) => typed.startsWith(name) && /^(?:\s|$)/.test(typed.slice(name.length)));
  const [skill] = fitting.toSorted((a, b) => b.name.length - a.name.length);
  return skill === undefined ? undefined : { skill, args: typed.slice(skill.name.length).trim() };
}

const SKILL = '/skill:';

/** Whose words a template puts into the user's mouth, as {@link Origin}; nothing where it is the user's own. */
export function templateOrigins(text: string, { skills, prompts }: Pick<ResourceCatalog, 'skills' | 'prompts'>): readonly Origin[] {
  const [, name = ''] = /^\/(\S+)/.exec(text) ?? [];
  if (skills.some((skill) => name === `skill:${skill.name}`)) return []; // says so itself, in its own wrapping
  const prompt = prompts.find((candidate) => candidate.name === name);
  return prompt === undefined || prompt.origin === 'user' || prompt.origin === 'host' ? [] : [`template:${prompt.name} of ${prompt.origin}`];
}

/** A command as `/` offers it, under pi's names. */
export interface SlashCommand {
  readonly name: string;
  readonly description?: string;
  /** What is to be typed after it. */
  readonly argumentHint?: string;
  readonly source: 'host' | 'extension' | 'prompt' | 'skill';
  readonly sourceInfo: { readonly path: string; readonly source: string; readonly scope: 'user' | 'project'; readonly origin: 'package' | 'top-level' };
}

/** Everything that can be typed after `/`. */
export function slashCommands({ commands, resources }: Contributions): SlashCommand[] {
  const info = (path: string, origin: string): SlashCommand['sourceInfo'] => ({
    path,
    source: origin,
    scope: origin === 'project' ? 'project' : 'user',
    origin: origin === 'user' || origin === 'host' || origin === 'project' ? 'top-level' : 'package',
  });
  return [
    ...HOST_COMMANDS.map(({ name, description }): SlashCommand => ({ name, description, source: 'host', sourceInfo: info('', 'host') })),
    ...[...commands.values()].map((command): SlashCommand => ({
      name: command.name,
      ...describe(command.registration.description),
      source: 'extension',
      sourceInfo: info('', packageOrigin(command.package)),
    })),
    ...resources.prompts.map((prompt): SlashCommand => ({
      name: prompt.name,
      description: prompt.description,
      ...hinted(argumentHint(prompt)),
      source: 'prompt',
      sourceInfo: info(prompt.path, prompt.origin),
    })),
    ...resources.skills.map(({ name, description, argumentHint: hint, path, origin }): SlashCommand => ({
      name: `skill:${name}`,
      description,
      ...hinted(hint),
      source: 'skill',
      sourceInfo: info(path, origin),
    })),
  ];
}

function hinted(hint: string | undefined): { argumentHint?: string } {
  return hint === undefined || hint === '' ? {} : { argumentHint: hint };
}

function describe(description: string | undefined): { description?: string } {
  return description === undefined ? {} : { description };
}
