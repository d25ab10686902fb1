import { looksSecret } from '../../format/index.ts';

/** Set for everything a tool starts: commands that add authority refuse where they see it. */
export const TOOL_PROCESS = 'DASH_TOOL_PROCESS';

/** The environment of a process a tool starts: the user's, without keys and without names that look secret. */
export function toolEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !looksSecret(name)) kept[name] = value;
  }
  return { ...kept, [TOOL_PROCESS]: '1' };
}
