import type { FoundSkill } from './discover.ts';

/** The skills as the system prompt lists them; their bodies are read when one is needed. */
export function skillCatalog(skills: readonly FoundSkill[]): string {
  const offered = skills.filter(({ modelMayInvoke }) => modelMayInvoke);
  if (offered.length === 0) return '';
  const items = offered.map(
    ({ name, description, path, origin }) =>
      `  <skill>\n    <name>${escape(name)}</name>\n    <description>${escape(description)}</description>\n    <location>${escape(path)}</location>\n    <origin>${escape(origin)}</origin>\n  </skill>`,
  );
  return [
    'Skills are instructions for particular tasks. When a task matches a description, read the file at its location with the `read` tool and follow it. Paths in it are relative to its directory.',
    '',
    '<available_skills>',
    ...items,
    '</available_skills>',
  ].join('\n');
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
