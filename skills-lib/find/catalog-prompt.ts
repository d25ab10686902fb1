import type { FoundSkill } from '../discover/discover.ts';
import { visibleLine } from '../visible-text.ts';

/** The skills as the system prompt lists them; their bodies are read when one is needed. `total` says that there are more. */
export function skillCatalog(skills: readonly FoundSkill[], total = skills.length): string {
  const offered = skills.filter(({ modelMayInvoke }) => modelMayInvoke);
  if (total === 0 || (offered.length === 0 && total === skills.length)) return '';
  return [
    'Skills are instructions for particular tasks. When a task matches a description, read the file at its location with the `read` tool and follow it. Paths in it are relative to its directory.',
    ...(total > offered.length ? [`These are ${offered.length} of ${total} skills; \`find_skill\` finds the others.`] : []),
    '',
    '<available_skills>',
    ...offered.map(skillCatalogItem),
    '</available_skills>',
  ].join('\n');
}

/** Longest description that is listed: a strict one is never longer. */
const MAX_DESCRIPTION = 1024;

/** One skill of the list. */
export function skillCatalogItem({ name, description, path, origin }: FoundSkill): string {
  return `  <skill>\n    <name>${escape(name)}</name>\n    <description>${escape(visibleLine(description).slice(0, MAX_DESCRIPTION))}</description>\n    <location>${escape(path)}</location>\n    <origin>${escape(origin)}</origin>\n  </skill>`;
}

/** A skill the user started with `/skill:name`, wrapped so that the model sees where the words come from. */
export function skillInvocation(skill: FoundSkill, args: string): string {
  // a body that closes its own tag would go on in the user's name
  const body = skill.body.trim().replaceAll(/<(?=\/?skill\b)/gi, '&lt;');
  const text = `<skill ${attributes(skill)}>\nPaths in this skill are relative to ${skill.directory}.\n\n${body}\n</skill>`;
  return args === '' ? text : `${text}\n\n${args}`;
}

/** The same for a skill whose text stands in the conversation already. */
export function skillReminder(skill: FoundSkill, args: string): string {
  const text = `<skill ${attributes(skill)}/>\nFollow this skill again; its text stands above, unchanged.`;
  return args === '' ? text : `${text}\n\n${args}`;
}

function attributes({ name, path, origin }: FoundSkill): string {
  return `name="${escape(name)}" location="${escape(path)}" origin="${escape(origin)}"`;
}

// What a package wrote must not be able to close the tag it stands in.
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
