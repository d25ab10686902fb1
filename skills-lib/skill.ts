import { basename, dirname } from 'node:path';
import type { Diagnostic } from '../format/index.ts';
import { parseFrontMatter, type YamlValue } from './front-matter.ts';
import { hintOf } from './prompts/prompt.ts';
import { visibleLine } from './visible-text.ts';

/** A skill that the host can offer to a model. */
export interface Skill {
  readonly name: string;
  readonly description: string;
  /** The SKILL.md itself. */
  readonly path: string;
  /** Where its scripts, references and assets lie. */
  readonly directory: string;
  readonly body: string;
  /** Tools the skill limits itself to; it never widens anything. */
  readonly allowedTools: readonly string[] | undefined;
  /** False when only the user may start it, with `/skill:name`. */
  readonly modelMayInvoke: boolean;
  /** What is to be typed after `/skill:name`, in the author's words. */
  readonly argumentHint: string | undefined;
  readonly data: Readonly<Record<string, YamlValue>>;
}

export interface SkillReading {
  /** `undefined` when it cannot be loaded; then a diagnostic of severity `error` says why. */
  readonly skill: Skill | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads what the host accepts as a skill: a description that parses. Everything else an author should
 * mend is a diagnostic; what `dash check` demands is in check.ts. @throws {DashError} INVALID_SKILL
 */
export function parseSkill(text: string, path: string): SkillReading {
  const { data, body, present, repaired } = parseFrontMatter(text, path);
  const diagnostics: Diagnostic[] = [];
  const note = (severity: Diagnostic['severity'], code: string, message: string): void => {
    diagnostics.push({ severity, code, message, where: { path } });
  };
  if (repaired) note('warning', 'repaired-colon', 'a value that YAML reads otherwise is not quoted');
  if (!present) note('warning', 'no-front-matter', 'there is no front matter; the name comes from the directory, the description from the first paragraph');

  const fallbackName = basename(path).toLowerCase() === 'skill.md' ? basename(dirname(path)) : basename(path).replace(/\.md$/i, '');
  const written = (stringOf(data['name'])?.trim() || fallbackName).normalize('NFKC');
  const name = visibleLine(written).slice(0, MAX_NAME);
  if (name !== written) note('warning', 'name-unseen', 'the name is long, or holds what cannot be seen; that is left out');
  if (name === '') {
    note('error', 'name-missing', 'the name holds nothing that can be seen');
    return { skill: undefined, diagnostics };
  }
  const description = present ? stringOf(data['description'])?.trim() : firstParagraph(body);
  if (description === undefined || description === '') {
    note('error', 'description-missing', `the skill \`${name}\` says nowhere what it is for`);
    return { skill: undefined, diagnostics };
  }
  const skill: Skill = {
    name,
    description,
    path,
    directory: dirname(path),
    body,
    allowedTools: stringOf(data['allowed-tools'])
      ?.split(/\s+/)
      .filter((tool) => tool !== ''),
    modelMayInvoke: clientField(data, 'disable-model-invocation') !== 'true',
    argumentHint: hintOf(clientField(data, 'argument-hint')),
    data,
  };
  return { skill, diagnostics };
}

/** Twice what the standard allows: real ones go over it. */
const MAX_NAME = 128;

/** A field of other clients. The standard knows none, so that a strict skill has it under `metadata`. */
function clientField({ metadata, ...data }: Skill['data'], field: string): YamlValue | undefined {
  return data[field] ?? (typeof metadata === 'object' && !Array.isArray(metadata) ? metadata[field] : undefined);
}

function stringOf(value: YamlValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function firstParagraph(body: string): string | undefined {
  return body
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .split('\n')
        .filter((line) => !/^\s*(?:#|```|---)/.test(line))
        .join(' ')
        .trim(),
    )
    .find((paragraph) => paragraph !== '')
    ?.slice(0, 1024);
}
