import { basename, dirname } from 'node:path';
import type { Diagnostic } from '../format/index.ts';
import { type FrontMatter, readFrontMatter } from './front-matter.ts';
import { parseSkill } from './skill.ts';

/** Two verdicts: what an author must meet, and what the host accepts. */
export interface SkillCheck {
  readonly strict: boolean;
  readonly loadable: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** Fields of the standard at agentskills.io; anything else is an error in strict mode. */
export const FIELDS: readonly string[] = ['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools'];

/** Checks a skill by the rules of agentskills.io. Never throws for what is in the file. */
export function checkSkill(text: string, path: string): SkillCheck {
  const diagnostics: Diagnostic[] = [];
  const say =
    (severity: Diagnostic['severity']) =>
    (code: string, message: string): void => {
      diagnostics.push({ severity, code, message, where: { path } });
    };
  const wrong = say('error');
  const found = readFrontMatter(text);
  if ('code' in found) {
    const { code, message, line } = found;
    return { strict: false, loadable: false, diagnostics: [{ severity: 'error', code, message, where: { path, line } }] };
  }
  if (text.startsWith('\uFEFF')) wrong('bom', 'the file begins with a byte order mark');
  if (!found.present) wrong('no-front-matter', 'the file must begin with front matter');
  else checkFields(found, basename(dirname(path)), wrong, say('warning'));
  const loadable = parseSkill(text, path).skill !== undefined;
  return { strict: diagnostics.every(({ severity }) => severity !== 'error'), loadable, diagnostics };
}

type Wrong = (code: string, message: string) => void;

function checkFields({ data, repaired }: FrontMatter, directory: string, wrong: Wrong, warn: Wrong): void {
  if (repaired) wrong('repaired-colon', 'a value that YAML reads otherwise must be quoted');
  checkName(data['name'], directory, wrong);
  checkDescription(data['description'], wrong);
  for (const field of Object.keys(data))
    if (!FIELDS.includes(field)) wrong('unexpected-field', `\`${field}\` is not a field of the standard; put it under \`metadata\``);
  checkText('compatibility', data['compatibility'], 500, wrong);
  // The reference validator does not look at the types of these three.
  checkText('license', data['license'], Number.POSITIVE_INFINITY, warn);
  checkText('allowed-tools', data['allowed-tools'], Number.POSITIVE_INFINITY, warn);
  const { metadata } = data;
  const isMapping = typeof metadata === 'object' && !Array.isArray(metadata);
  if (metadata !== undefined && metadata !== '' && (!isMapping || Object.values(metadata).some((value) => typeof value !== 'string')))
    warn('metadata', '`metadata` should map names to strings');
}

function checkName(value: unknown, directory: string, wrong: Wrong): void {
  if (typeof value !== 'string' || value.trim() === '') return wrong('name-missing', '`name` is missing');
  const name = value.normalize('NFKC');
  if ([...name].length > 64) wrong('name-too-long', '`name` is longer than 64 characters');
  if (name !== name.toLowerCase()) wrong('name-case', '`name` must be lower case');
  if (/^-|-$|--/.test(name)) wrong('name-hyphen', '`name` must not begin or end with a hyphen or hold two in a row');
  if (!/^[\p{L}\p{N}\p{M}-]+$/u.test(name)) wrong('name-characters', '`name` may hold letters, digits and hyphens');
  if (directory.normalize('NFKC') !== name) wrong('name-directory', `\`name\` is \`${name}\` but the directory is \`${directory}\``);
}

function checkDescription(value: unknown, wrong: Wrong): void {
  if (typeof value !== 'string' || value.trim() === '') return wrong('description-missing', '`description` is missing');
  if ([...value].length > 1024) wrong('description-too-long', '`description` is longer than 1024 characters');
}

function checkText(field: string, value: unknown, limit: number, wrong: Wrong): void {
  if (value === undefined) return;
  if (typeof value !== 'string') wrong(field, `\`${field}\` must be a string`);
  else if ([...value].length > limit) wrong(`${field}-too-long`, `\`${field}\` is longer than ${limit} characters`);
}
