import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { checkSkill, FIELDS } from './check.ts';
import { quoteMisread, readFrontMatter, type YamlValue } from './front-matter.ts';

/** A skill as the strict rules want it, as far as that can be said without its author. */
export interface SkillFix {
  readonly text: string;
  /** What its directory is to be called; absent when it is called so already, or the name itself is wrong. */
  readonly directory?: string;
  /** What differs, in words; empty when nothing in the text does. */
  readonly done: readonly string[];
}

/**
 * Mends what has one answer: values that YAML reads otherwise are quoted, fields of other clients move under `metadata`, where
 * Dash goes on reading them, and the directory takes the name. The body and every other line stay as they are.
 */
export function fixSkill(text: string, path: string): SkillFix {
  const withoutMark = text.replace(/^\uFEFF/, '');
  const done = withoutMark === text ? [] : ['took away the byte order mark'];
  const mended = [quoteValues, moveFields].reduce((soFar, mend) => mend(soFar, done), withoutMark);
  const directory = directoryFor(mended, path);
  return { text: mended, ...(directory !== undefined && { directory }), done };
}

/** Gives the text anew and adds to `done` what it changed. */
type Mend = (text: string, done: string[]) => string;

const quoteValues: Mend = (text, done) => {
  const found = readFrontMatter(text);
  if ('code' in found || !found.repaired) return text;
  const { block } = takeApart(text);
  const quoted = quoteMisread(block.join('\n')).split('\n');
  const keys = block.flatMap((line, at) => (line === quoted[at] ? [] : [`\`${line.slice(0, line.indexOf(':'))}\``]));
  done.push(`quoted ${keys.join(', ')}, which YAML reads otherwise`);
  return withBlock(text, quoted);
};

const moveFields: Mend = (text, done) => {
  const found = readFrontMatter(text);
  if ('code' in found) return text;
  const { data } = found;
  const metadata = data['metadata'] === undefined || data['metadata'] === '' ? {} : data['metadata'];
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return text;
  const moved = Object.entries(data)
    .filter(([key]) => !FIELDS.includes(key))
    .map(([key, value]) => [key, textOf(value)] as const)
    // what stands there already with another value is for the author to decide
    .filter(([key, value]) => !Object.hasOwn(metadata, key) || metadata[key] === value);
  if (moved.length === 0) return text;
  const names = moved.map(([key]) => key);
  const added = moved.filter(([key]) => !Object.hasOwn(metadata, key));

  const chunks = chunksOf(takeApart(text).block).filter(({ key }) => key === undefined || !names.includes(key));
  const target = chunks.find(({ key }) => key === 'metadata');
  const lines = target === undefined || !isBlockMapping(target) ? metadataLines([...Object.entries(metadata), ...added]) : appended(target, added);
  const next = target === undefined ? [...chunks, { lines }] : chunks.map((chunk) => (chunk === target ? { lines } : chunk));
  const mended = withBlock(
    text,
    next.flatMap((chunk) => chunk.lines),
  );

  // lines were moved by how they look; whether that says the same only the parser knows
  const again = readFrontMatter(mended);
  const kept = Object.entries(data).filter(([key]) => !names.includes(key) && key !== 'metadata');
  const meant = Object.fromEntries([...kept, ['metadata', Object.fromEntries([...Object.entries(metadata), ...added])]]);
  if ('code' in again || !isDeepStrictEqual({ ...again.data }, meant)) return text;
  done.push(`moved ${names.map((name) => `\`${name}\``).join(', ')} under \`metadata\``);
  return mended;
};

function directoryFor(text: string, path: string): string | undefined {
  const codes = checkSkill(text, path).diagnostics.map(({ code }) => code);
  const isOnlyElsewhere = codes.includes('name-directory') && !codes.some((code) => code.startsWith('name-') && code !== 'name-directory');
  const found = readFrontMatter(text);
  if (!isOnlyElsewhere || 'code' in found || !/^skill\.md$/i.test(basename(path))) return undefined;
  const name = found.data['name'];
  return typeof name === 'string' && name.normalize('NFKC') !== basename(dirname(path)) ? name.normalize('NFKC') : undefined;
}

/** The standard maps names to strings there. */
function textOf(value: YamlValue): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(', ') : JSON.stringify(value);
}

/** The lines between the fences, without line ends. */
function takeApart(text: string): { readonly lines: readonly string[]; readonly block: readonly string[]; readonly closing: number } {
  const lines = text.split('\n');
  const bare = lines.map((line) => line.replace(/\r$/, ''));
  const closing = bare.indexOf('---', 1);
  return { lines, block: bare.slice(1, closing), closing };
}

function withBlock(text: string, block: readonly string[]): string {
  const { lines, closing } = takeApart(text);
  const end = lines[0]?.endsWith('\r') === true ? '\r' : '';
  return [lines[0], ...block.map((line) => `${line}${end}`), ...lines.slice(closing)].join('\n');
}

/** A field at the top level with everything below it; without a key what stands before the first. */
interface Chunk {
  readonly key?: string;
  readonly lines: readonly string[];
}

function chunksOf(block: readonly string[]): readonly Chunk[] {
  const chunks: { key?: string; lines: string[] }[] = [];
  for (const line of block) {
    const [, double, single, plain] = /^(?:"([^"]*)"\s*|'([^']*)'\s*|([^\s"'#:[\]{},-][^:]*)):(?:\s|$)/.exec(line) ?? [];
    const key = (double ?? single ?? plain)?.trimEnd();
    if (key !== undefined) chunks.push({ key, lines: [line] });
    else if (chunks.length === 0) chunks.push({ lines: [line] });
    else chunks.at(-1)?.lines.push(line);
  }
  return chunks;
}

function isBlockMapping({ lines }: Chunk): boolean {
  return /^metadata\s*:\s*(?:#.*)?$/.test(lines[0] ?? '') && lines.slice(1).some(isContent);
}

function isContent(line: string): boolean {
  return !/^\s*(?:#|$)/.test(line);
}

type Fields = readonly (readonly [string, YamlValue])[];

function appended({ lines }: Chunk, fields: Fields): string[] {
  const indent = /^ */.exec(lines.slice(1).find(isContent) ?? '')?.[0] ?? '';
  const end = lines.findLastIndex(isContent) + 1;
  return [...lines.slice(0, end), ...fieldLines(fields, indent), ...lines.slice(end)];
}

function metadataLines(fields: Fields): string[] {
  return ['metadata:', ...fieldLines(fields, '  ')];
}

/** JSON is YAML, whatever the value is. */
function fieldLines(fields: Fields, indent: string): string[] {
  return fields.map(([key, value]) => `${indent}${/^[A-Za-z_][\w.-]*$/.test(key) ? key : JSON.stringify(key)}: ${JSON.stringify(value)}`);
}
