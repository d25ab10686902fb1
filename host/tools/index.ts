import type { OfferedSkills } from '../../skills-lib/index.ts';
import { bashTool } from './bash.ts';
import type { BuiltinTool, Workspace } from './define-tool.ts';
import { editTool } from './edit.ts';
import { findSkillTool } from './find-skill.ts';
import { findTool } from './find.ts';
import { grepTool } from './grep.ts';
import { lsTool } from './ls.ts';
import { readTool } from './read.ts';
import { writeTool } from './write.ts';

export type { BuiltinTool, Workspace } from './define-tool.ts';

/** The tools that are on unless `--tools` says otherwise. */
export const DEFAULT_TOOLS: readonly string[] = ['read', 'write', 'edit', 'bash', 'find_skill'];

/** Every tool of the host. */
export function builtinTools(workspace: Workspace, skills: () => OfferedSkills): readonly BuiltinTool[] {
  return [...[readTool, writeTool, editTool, bashTool, grepTool, findTool, lsTool].map((make) => make(workspace)), findSkillTool(skills)];
}
