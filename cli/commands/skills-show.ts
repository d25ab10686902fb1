import { DashError, nearest } from '../../format/index.ts';
import { manyLines, oneLine } from '../output/terminal.ts';
import { readSkills, viewSkill } from '../read-skills.ts';
import type { DefineCommand } from '../command.ts';

export const define: DefineCommand = (command) => {
  command.argument('<skill>', 'a skill, as `dash skills list` names it');
  return async (invocation) => {
    const { skills } = await readSkills(invocation, invocation.globals);
    const name = command.args[0] ?? '';
    const skill = skills.find((one) => one.name === name);
    if (skill === undefined) {
      const names = skills.map((one) => one.name);
      const meant = nearest(name, names);
      throw new DashError('SKILL_NOT_FOUND', `there is no skill \`${name}\``, {
        hint: meant === undefined ? '`dash skills find <words>` searches what they are for' : `did you mean \`${meant}\`?`,
      });
    }
    const { style } = invocation.stdout;
    const head = [style.strong(oneLine(skill.name)), oneLine(skill.description), style.dim(`${oneLine(skill.path)}, from ${oneLine(skill.origin)}`)];
    return {
      kind: 'document',
      document: { ...viewSkill(skill), body: skill.body, allowedTools: skill.allowedTools ?? null, modelMayInvoke: skill.modelMayInvoke },
      text: `${head.join('\n')}\n\n${manyLines(skill.body.trim())}\n`,
    };
  };
};
