import { Type } from '@sinclair/typebox';
import { type OfferedSkills, skillCatalogItem } from '../../skills-lib/index.ts';
import { textAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool } from './define-tool.ts';

const LIMIT = 5;

/** Finds a skill among more than the system prompt lists. Offered only then. */
export function findSkillTool(offered: () => OfferedSkills): BuiltinTool {
  return {
    ...defineTool({
      name: 'find_skill',
      description: 'Find instructions for a task among all skills; gives names, descriptions and the files to read.',
      parameters: Type.Object({ query: Type.String({ minLength: 1, maxLength: 1000, description: 'the task, in a few words' }) }),
      accesses: () => [],
      async run({ query }) {
        const found = offered().find(query, LIMIT);
        return textAnswer(found.length === 0 ? 'no skill fits' : found.map(skillCatalogItem).join('\n'));
      },
    }),
    isOffered: () => !offered().complete,
  };
}
