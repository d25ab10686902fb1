import { indexSkills } from '../../skills-lib/index.ts';
import { readSkills, skillsText, viewSkill } from '../read-skills.ts';
import type { DefineCommand } from '../command.ts';

const LIMIT = 10;

export const define: DefineCommand = (command) => {
  command.argument('<words...>', 'what the skill is to help with');
  return async (invocation) => {
    const { skills } = await readSkills(invocation, invocation.globals);
    const found = indexSkills(skills)
      .find(command.args.join(' '), LIMIT)
      .map(({ skill, score }) => viewSkill(skill, Math.round(score * 100) / 100));
    return { kind: 'document', document: { skills: found }, text: skillsText(found, [], invocation.stdout.style) };
  };
};
