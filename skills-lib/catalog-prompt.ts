import type { FoundSkill } from './discover.ts';

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
  return `  <skill>\n    <name>${escape(name)}</name>\n    <description>${escape(description.slice(0, MAX_DESCRIPTION))}</description>\n    <location>${escape(path)}</location>\n    <origin>${escape(origin)}</origin>\n  </skill>`;
}

/** A skill the user started with `/skill:name`, wrapped so that the model sees where the words come from. */
export function skillInvocation({ name, path, directory, origin, body }: FoundSkill, args: string): string {
  const text = `<skill name="${escape(name)}" location="${escape(path)}" origin="${escape(origin)}">\nPaths in this skill are relative to ${directory}.\n\n${body.trim()}\n</skill>`;
  return args === '' ? text : `${text}\n\n${args}`;
}

// What a package wrote must not be able to close the tag it stands in.
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
