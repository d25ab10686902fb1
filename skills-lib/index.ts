export { skillCatalog, skillInvocation } from './catalog-prompt.ts';
export { checkSkill, type SkillCheck } from './check.ts';
export { discoverSkills, type Discovery, type FoundSkill, type PreferredOrigins, type SkillSource } from './discover.ts';
export { type SkillFiles, skillFilesIn, type SkillFolder } from './skill-files.ts';
export { projectSkillFolders, skillPlaces, type SkillPlaces } from './skill-places.ts';
export { type FrontMatter, type FrontMatterProblem, parseFrontMatter, readFrontMatter, type YamlValue } from './front-matter.ts';
export { fillPrompt, parsePrompt, type Prompt, splitArguments } from './prompt.ts';
export { parseSkill, type Skill, type SkillReading } from './skill.ts';
export { parseTheme, type Theme } from './theme.ts';
