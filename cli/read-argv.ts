import { type CommandEntry, COMMANDS, findCommand, HOST_COMMAND } from './command-table.ts';

/** What a command line asks for, before any option is parsed. */
export type Request =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly entry: CommandEntry | undefined }
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly rest: readonly string[] }
  | { readonly kind: 'unknown'; readonly word: string; readonly candidates: readonly string[] }
  /** `/bin/dash` was meant: `dash -c '…'`, `dash script.sh`. */
  | { readonly kind: 'shell'; readonly word: string };

/**
 * Reads a command line as far as the command's name. `isFile` tells whether a word names a file.
 * Global options may stand before the name; any other option before it belongs to the host.
 */
export function readArgv(argv: readonly string[], isFile: (path: string) => boolean): Request {
  const [first] = argv;
  if (first === '--version' || first === '-V' || first === '-v') return { kind: 'version' };
  if (first === '-c' || first === '-s') return { kind: 'shell', word: first };

  const at = indexOfName(argv);
  if (at === undefined) {
    if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help', entry: undefined };
    return { kind: 'command', entry: HOST_COMMAND, rest: argv };
  }

  const words = argv.slice(at);
  const word = words[0] ?? '';
  if (word === 'help') return { kind: 'help', entry: findCommand(words.slice(1))?.entry };
  const found = findCommand(words);
  if (found) {
    const rest = [...argv.slice(0, at), ...words.slice(found.words)];
    if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', entry: found.entry };
    return { kind: 'command', entry: found.entry, rest };
  }
  // `@file` is a prompt for the host
  if (word.startsWith('@')) return { kind: 'command', entry: HOST_COMMAND, rest: argv };
  if (isFile(word) && (word.includes('/') || word.endsWith('.sh'))) return { kind: 'shell', word };
  return { kind: 'unknown', word: nameTyped(words), candidates: candidatesFor(word) };
}

const GLOBAL_FLAGS: ReadonlySet<string> = new Set([
  '--json',
  '--yes',
  '-y',
  '--no-input',
  '--quiet',
  '--no-progress',
  '--verbose',
  '--dry-run',
  '--offline',
  '--trust-project',
  '--local',
  '-l',
  '--user',
  '--help',
  '-h',
]);
const GLOBAL_VALUES: ReadonlySet<string> = new Set(['-C', '--directory', '--registry']);

/** Finds where the command's name stands, behind global options. */
export function indexOfName(argv: readonly string[]): number | undefined {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) return at;
    if (GLOBAL_VALUES.has(word)) at += 1;
    else if (!GLOBAL_FLAGS.has(word) && !/^(-C.|--directory=|--registry=)/.test(word)) return undefined;
  }
  return undefined;
}

/** `audit lgo` is a mistyped `audit log`, so the group's second word counts. */
function nameTyped([first = '', second]: readonly string[]): string {
  const isGroup = COMMANDS.some(({ name }) => name.startsWith(`${first} `));
  return isGroup && second !== undefined && !second.startsWith('-') ? `${first} ${second}` : first;
}

function candidatesFor(word: string): string[] {
  const all = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const ofGroup = all.filter((name) => name.startsWith(`${word} `));
  return ofGroup.length > 0 ? ofGroup : all;
}
