import { readSkills, skillsText, viewSkill } from '../read-skills.ts';
import type { DefineCommand } from '../command.ts';

export const define: DefineCommand = () => {
  return async (invocation) => {
    const { skills, diagnostics } = await readSkills(invocation, invocation.globals);
    const views = skills.map((skill) => viewSkill(skill));
    return { kind: 'document', document: { skills: views, diagnostics }, text: skillsText(views, diagnostics, invocation.stdout.style) };
  };
};
