export { skillCatalog, skillCatalogItem, skillInvocation, skillReminder } from './find/catalog-prompt.ts';
export { checkSkill, type SkillCheck } from './check.ts';
export { fixSkill, type SkillFix } from './fix-skill.ts';
export { discoverSkills, type Discovery, type FoundSkill, type PreferredOrigins, type SkillSource } from './discover/discover.ts';
export { type SkillFiles, skillFilesIn, type SkillFolder } from './discover/skill-files.ts';
export { textFilesIn, type TextKind, textPlaces } from './discover/text-files.ts';
export { projectDirectories, projectSkillFolders, skillPlaces, type SkillPlaces } from './discover/skill-places.ts';
export { type FrontMatter, type FrontMatterProblem, parseFrontMatter, readFrontMatter, type YamlValue } from './front-matter.ts';
export { type ArgumentCompletion, completeArguments } from './prompts/complete-arguments.ts';
export { argumentHint, fillPrompt, MAX_PROMPT_BYTES, parsePrompt, type Prompt, splitArguments } from './prompts/prompt.ts';
export { parseSkill, type Skill, type SkillReading } from './skill.ts';
export { readTextFile, type ReadTextOptions } from './read-text-file.ts';
export { MAX_THEME_BYTES, parseTheme, type Theme } from './themes/theme.ts';
export { type Appearance, resolveTheme, type ResolvedTheme, type ThemeCatalog } from './themes/resolve-theme.ts';
export { indexSkills, RANKING, type Ranking, type Searchable, type SkillHit, type SkillIndex } from './find/skill-index.ts';
export { stem, words } from './find/words.ts';
export { DEFAULT_OFFERING, type OfferedSkills, offerSkills, type SkillOffering } from './find/offer-skills.ts';
export {
  auditFiles,
  type AuditedFile,
  type AuditFinding,
  type LookUpPackage,
  lookUpMentioned,
  type NamedPackage,
  type PackageStanding,
  type ObservedAuthority,
  observeAuthority,
  RULES_VERSION,
  TEXT_RULES,
  type TextAudit,
} from './audit/index.ts';
export { checkColorNames, THEME_COLORS } from './themes/theme-colors.ts';
export { themeSchema } from './themes/theme-schema.ts';
export { checkContrast } from './themes/theme-contrast.ts';
