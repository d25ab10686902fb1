import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import type { Argument, Command, Option } from 'commander';

import { choicesOf, readDeclaredSettings } from '../format/index.ts';
import { type InstalledPackage, readInstalled } from '../registry/index.ts';
import { type CommandEntry, COMMANDS, findCommand, HOST_COMMAND } from './command-table.ts';
import { oneLine } from './output/terminal.ts';
import { describeCommand } from './parse-command.ts';
import { indexOfName } from './read-argv.ts';

/** What may stand where the cursor is. */
export interface Completions {
  readonly values: readonly Completion[];
  /** Names of files fit too: the shell knows them best. */
  readonly files: boolean;
}

interface Completion {
  readonly value: string;
  readonly about?: string;
}

/** Gives the installed packages; asked only where their names fit. */
export type ReadPackages = () => Promise<readonly InstalledPackage[]>;
/** Gives the skills of this directory; asked only where their names fit. */
export type ReadSkills = () => Promise<readonly { readonly name: string; readonly description: string }[]>;

/** Where names come from that are no words of ours. */
interface Sources {
  readonly readPackages: ReadPackages;
  readonly readSkills: ReadSkills;
}

/**
 * Answers a shell: a line `value<tab>description` for each possibility, and `:files` when names of files fit. Whatever
 * is wrong, a shell that completes must not be disturbed: then there is nothing to complete.
 */
export async function printCompletions(words: readonly string[]): Promise<void> {
  const home = resolve(process.env['DASH_HOME'] || join(homedir(), '.dash'));
  const at = words.indexOf('-C');
  const projectDir = resolve(at < 0 ? '.' : (words[at + 1] ?? '.'));
  const sources: Sources = {
    readPackages: () => readInstalled({ dashHome: home, projectDir }),
    readSkills: async () => (await (await import('./read-skills.ts')).readSkills({ home, cwd: projectDir }, {})).skills,
  };
  const { values, files } = await complete(words, sources.readPackages, sources.readSkills).catch((): Completions => NOTHING);
  const lines = values.map(({ value, about = '' }) => `${value}\t${oneLine(about)}\n`);
  process.stdout.write(`${lines.join('')}${files ? ':files\n' : ''}`);
}

/** Says what fits the last of `words`, which may be empty. The words before it are taken as they are. */
export async function complete(words: readonly string[], readPackages: ReadPackages, readSkills: ReadSkills = () => Promise.resolve([])): Promise<Completions> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { values, files } = await offer(before, current, { readPackages, readSkills });
  const fitting = values.filter(({ value }) => value.startsWith(current));
  // what a package calls its tools is nothing to type blindly
  return { values: fitting.filter(({ value }) => oneLine(value) === value), files };
}

const NOTHING: Completions = { values: [], files: false };

async function offer(before: readonly string[], current: string, sources: Sources): Promise<Completions> {
  const at = indexOfName(before);
  if (at === undefined) {
    if (current.startsWith('-') || before.length > 0) return offerWithin(HOST_COMMAND, before, current, sources, commandNames(''));
    return { values: commandNames(''), files: false };
  }
  const named = before.slice(at);
  const isHelp = named[0] === 'help';
  const typed = isHelp ? named.slice(1) : named;
  const group = typed.length === 1 ? commandNames(`${typed[0]} `) : [];
  const found = findCommand(typed);
  if (isHelp) return { values: typed.length === 0 ? commandNames('') : group, files: false };
  if (found === undefined) return { values: group, files: false };
  return offerWithin(found.entry, [...before.slice(0, at), ...typed.slice(found.words)], current, sources, group);
}

/** The next words of command names that begin so. */
function commandNames(prefix: string): Completion[] {
  const names = COMMANDS.filter(({ name }) => name.startsWith(prefix)).map(({ name, summary }): [string, string] => {
    const [word = '', ...more] = name.slice(prefix.length).split(' ');
    return [word, more.length === 0 ? summary : ''];
  });
  const all = prefix === '' ? [...names, ['help', 'show the options of a command'] as const] : names;
  return [...new Map(all.map(([value, about]) => [value, { value, about }])).values()];
}

async function offerWithin(
  entry: CommandEntry,
  before: readonly string[],
  current: string,
  sources: Sources,
  alsoFirst: readonly Completion[],
): Promise<Completions> {
  const command = await describeCommand(entry);
  const { positionals, waiting, given } = readWords(command, before);
  if (waiting !== undefined) return valuesFor(placeholderOf(waiting.flags), waiting.argChoices, { positionals: [], given, sources });
  const [, name = '', assigned] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? [];
  if (assigned !== undefined) {
    const option = command.options.find(({ long }) => long === name);
    if (option === undefined) return NOTHING;
    const { values } = await valuesFor(placeholderOf(option.flags), option.argChoices, { positionals: [], given, sources });
    return { values: values.map((one) => ({ ...one, value: `${name}=${one.value}` })), files: false };
  }
  if (current.startsWith('-')) return { values: optionsOf(command, given), files: false };
  const argument = argumentAt(command, positionals.length);
  const own = argument === undefined ? NOTHING : await valuesFor(argument.name(), argument.argChoices, { positionals, given, sources });
  return { values: [...(positionals.length === 0 ? alsoFirst : []), ...own.values], files: own.files };
}

/** What was typed already: arguments, options with their values, and an option that still waits for one. */
function readWords(command: Command, words: readonly string[]) {
  const positionals: string[] = [];
  const given = new Map<string, string>();
  let waiting: Option | undefined;
  for (const word of words) {
    if (waiting !== undefined) {
      given.set(waiting.long ?? '', word);
      waiting = undefined;
      continue;
    }
    const option = command.options.find(({ short, long }) => word === short || word === long);
    if (option?.required === true) waiting = option;
    else if (option !== undefined) given.set(option.long ?? '', '');
    else if (!word.startsWith('-')) positionals.push(word);
    else given.set(word.replace(/=.*$/s, ''), word.replace(/^[^=]*=?/s, ''));
  }
  return { positionals, waiting, given };
}

function optionsOf(command: Command, given: ReadonlyMap<string, string>): Completion[] {
  return [...command.options, command.createOption('-h, --help', 'show this')].flatMap(({ long, hidden, description, parseArg }) => {
    // what collects may stand several times
    const isUsed = long !== undefined && given.has(long) && parseArg === undefined;
    return long === undefined || hidden || isUsed ? [] : [{ value: long, about: description }];
  });
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

/** `--package <name|dir>` → `name|dir`. */
function placeholderOf(flags: string): string {
  return /[<[]([^>]+?)(?:\.\.\.)?[\]>]*$/.exec(flags)?.[1] ?? '';
}

interface Typed {
  readonly positionals: readonly string[];
  readonly given: ReadonlyMap<string, string>;
  readonly sources: Sources;
}

/** Arguments and values of options say by their names what they take. */
async function valuesFor(
  placeholder: string,
  choices: readonly string[] | undefined,
  { positionals, given, sources: { readPackages, readSkills } }: Typed,
): Promise<Completions> {
  if (choices !== undefined) return { values: choices.map((value) => ({ value })), files: false };
  const kinds = placeholder.split('|');
  const files = kinds.some((kind) => FILES.has(kind));
  const isNamed = kinds.some((kind) => PACKAGES.has(kind));
  const packages = isNamed || PARTS.has(placeholder) ? await readPackages() : [];
  if (isNamed) {
    const names = packages
      .filter(({ name }) => !positionals.includes(name))
      .map(({ name, version, description }) => ({ value: name, about: `${version} ${description}` }));
    return { values: names, files };
  }
  const meant = packages.filter(({ name }) => name === positionals[0] || name === given.get('--package'));
  switch (placeholder) {
    case 'resource':
      return {
        values: meant.flatMap(({ brought }) => Object.entries(brought).flatMap(([kind, paths]) => paths.map((value) => ({ value, about: kind })))),
        files,
      };
    case 'permission':
      return {
        values: meant.flatMap(({ permissions, optionalPermissions }) =>
          [...permissions, ...optionalPermissions].map(({ permission, reason }) => ({ value: permission, about: reason ?? '' })),
        ),
        files,
      };
    case 'tool':
      return {
        values: (meant.length > 0 ? meant : packages).flatMap(({ name, captured }) =>
          (captured?.tools ?? []).map((tool) => ({ value: tool.name, about: name })),
        ),
        files,
      };
    case 'setting':
      return {
        values: meant.flatMap(({ settings }) =>
          readDeclaredSettings(settings).settings.map(({ name, description }) => ({ value: name, about: description.slice(0, MAX_ABOUT) })),
        ),
        files,
      };
    case 'value': {
      const settings = meant.flatMap((one) => readDeclaredSettings(one.settings).settings).filter(({ name }) => name === positionals[1]);
      return { values: settings.flatMap((setting) => choicesOf(setting) ?? []).map((value) => ({ value })), files };
    }
    case 'skill':
      return { values: (await readSkills()).map(({ name, description }) => ({ value: name, about: description.slice(0, MAX_ABOUT) })), files };
    default:
      return { values: [], files };
  }
}

const MAX_ABOUT = 80;
const PACKAGES: ReadonlySet<string> = new Set(['name', 'names', 'name[:resource']);
const FILES: ReadonlySet<string> = new Set(['spec', 'specs', 'dir', 'path', 'target', 'file']);
const PARTS: ReadonlySet<string> = new Set(['resource', 'permission', 'tool', 'setting', 'value']);
