import { resolve } from 'node:path';
import type { FoundSkill } from '../../skills-lib/index.ts';
import type { Access } from './approval.ts';
import { textOf, toolCallsOf } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';

/** What the tools are narrowed to by the skill that leads the run; `says` is what stands in it. */
export interface SkillLimit {
  readonly skill: string;
  readonly says: string;
  covers(tool: string, access: Access): boolean;
}

/**
 * The skill whose instructions the model follows now, if it says which tools it needs: the one the user began the run with,
 * or the one the model has read since. The user's next words end it.
 */
export function skillInForce(messages: readonly AgentMessage[], skills: readonly FoundSkill[], cwd: string): SkillLimit | undefined {
  if (skills.every(({ allowedTools }) => allowedTools === undefined)) return undefined;
  for (const message of messages.toReversed()) {
    if (message.role === 'user') {
      const [, path] = /^<skill name="[^"\n]*" location="([^"\n]*)" origin="[^"\n]*"\/?>/.exec(textOf(message.content)) ?? [];
      return path === undefined ? undefined : limitOf(skills.find((skill) => attribute(skill.path) === path));
    }
    if (message.role !== 'assistant') continue;
    const read = toolCallsOf(message).flatMap(({ name, arguments: { path } }) => (name === 'read' && typeof path === 'string' ? [resolve(cwd, path)] : []));
    const opened = skills.findLast(({ path }) => read.includes(path));
    if (opened !== undefined) return limitOf(opened);
  }
  return undefined;
}

function limitOf(skill: FoundSkill | undefined): SkillLimit | undefined {
  if (skill?.allowedTools === undefined) return undefined;
  const says = skill.allowedTools.join(' ');
  // `Read, Bash(git status:*)`: a name, and of commands how they begin
  const entries = [...says.matchAll(/([A-Za-z_][\w-]*)(?:\(([^)]*)\))?/g)].map(([, name = '', begins]) => ({ name: name.toLowerCase(), begins }));
  return {
    skill: skill.name,
    says,
    covers: (tool, access) =>
      entries.some(({ name, begins }) => {
        if (name !== tool.toLowerCase()) return false;
        if (begins === undefined || access.kind !== 'run') return true;
        const beginning = begins.replace(/:?\*$/, '').trim();
        // a command that goes on with another one is more than how it begins
        return isOneCommand(access.command) && (access.command === beginning || access.command.startsWith(`${beginning} `) || beginning === '');
      }),
  };
}

function isOneCommand(command: string): boolean {
  return !/[;&|`$<>\n(){}]/.test(command);
}

/** As the catalog writes it into an attribute. */
function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
