/**
 * Commands that only read, whatever their arguments are as far as these grammars take them, and so may run on a machine
 * that cannot confine programs. Everything is an allow-list: a word that is not described is refused. (No list of
 * dangerous options is ever complete: `git log --output=`, `git diff --no-index`, `git grep -O`, all run or write.)
 */
interface Grammar {
  readonly command: readonly string[];
  /** Options that may stand, in any order, before the operands. */
  readonly options: readonly RegExp[];
  readonly operands?: { readonly form: RegExp; readonly most: number };
}

/** A revision: no option, no `:path` (a smudge filter or textconv could run for it), no upload of anything. */
const REVISION = /^(?!-)[\w./@^~{}-]{1,200}$/;
const COUNT = /^(-n\d{1,5}|-\d{1,5}|--max-count=\d{1,5})$/;
/** `%` and one letter or two, and text between; `%(trailers…)` and friends take arguments of their own. */
const FORMAT =
  /^--(format|pretty)=(oneline|short|medium|full|fuller|reference|(t?format:)?([\w\s:|,;./@#<>[\]"'=+-]|%[HhTtPpsSbBfeNdD]|%[ac][nNeEltdDrisI]|%x[0-9a-fA-F]{2}|%n|%%)*)$/;

const GRAMMARS: readonly Grammar[] = [
  {
    command: ['git', 'status'],
    options: [
      /^--porcelain(=v?[12])?$/,
      /^(-s|--short|-b|--branch|-z)$/,
      /^(-u|--untracked-files=)(no|normal|all)$/,
      /^--no-renames$/,
      /^--ignore-submodules=all$/,
    ],
  },
  {
    command: ['git', 'rev-parse'],
    options: [
      /^--(abbrev-ref|show-toplevel|is-inside-work-tree|is-bare-repository|git-dir|git-common-dir|absolute-git-dir|show-prefix|show-cdup|verify|quiet|short(=\d{1,2})?)$/,
      /^-q$/,
    ],
    operands: { form: REVISION, most: 2 },
  },
  {
    command: ['git', 'log'],
    options: [
      COUNT,
      FORMAT,
      /^--(oneline|no-decorate|decorate|abbrev-commit|first-parent|no-merges|merges|reverse|date=(iso|iso-strict|short|relative|unix))$/,
    ],
    operands: { form: REVISION, most: 1 },
  },
  { command: ['git', 'branch'], options: [/^--(show-current|list|all|no-color|no-column|merged|no-merged)$/, /^-a$/] },
  { command: ['git', 'tag'], options: [/^(-l|--list|--no-column)$/] },
  { command: ['git', 'remote'], options: [] },
  { command: ['git', '--version'], options: [] },
  { command: ['node', '--version'], options: [] },
  { command: ['uname'], options: [/^-[asrmpno]$/] },
  { command: ['whoami'], options: [] },
  { command: ['pwd'], options: [] },
  { command: ['date'], options: [/^(-u|--utc|--iso-8601(=(date|hours|minutes|seconds|ns))?)$/, /^\+[%\w\s:/.,-]{1,100}$/] },
];

/** Commands whose first operand would create something, were it not an option before it. */
const NEEDS_AN_OPTION = new Set(['branch', 'tag']);

/** Gives the arguments to run an allow-listed command with, hardened; `undefined` for every other command. */
export function allowListed(argv: readonly string[]): { readonly args: readonly string[]; readonly environment: Readonly<Record<string, string>> } | undefined {
  if (!GRAMMARS.some((grammar) => matches(grammar, argv))) return undefined;
  const [program, ...args] = argv;
  if (program !== 'git') return { args, environment: {} };
  // A submodule has a configuration of its own.
  const more = args[0] === 'status' ? ['--ignore-submodules=all'] : [];
  return { args: [...GIT_OPTIONS, ...args.slice(0, 1), ...more, ...args.slice(1)], environment: GIT_ENVIRONMENT };
}

function matches({ command, options, operands }: Grammar, argv: readonly string[]): boolean {
  if (!command.every((word, index) => argv[index] === word)) return false;
  const rest = argv.slice(command.length);
  const ends = rest.findIndex((word) => !options.some((option) => option.test(word)));
  const given = ends < 0 ? [] : rest.slice(ends);
  if (NEEDS_AN_OPTION.has(command[1] ?? '') && ends >= 0) return false;
  return given.length <= (operands?.most ?? 0) && given.every((word) => operands?.form.test(word) === true);
}

/** What a repository's own configuration could make git run: each is set, and the command line wins. */
const GIT_OPTIONS = [
  '--no-pager',
  '--no-optional-locks',
  '--no-replace-objects',
  ...[
    'core.fsmonitor=false',
    'core.hooksPath=/dev/null',
    'core.pager=cat',
    'core.editor=false',
    'core.sshCommand=false',
    'core.askPass=',
    'core.attributesFile=/dev/null',
    'core.untrackedCache=false',
    'safe.bareRepository=explicit',
    'credential.helper=',
    'diff.external=',
    'log.showSignature=false',
    'gpg.program=false',
    'protocol.allow=never',
    'status.submoduleSummary=false',
    'submodule.recurse=false',
    'color.ui=false',
    'column.ui=never',
  ].flatMap((setting) => ['-c', setting]),
];

/** Asks which filters a repository's configuration knows; runs none of them. */
export const GIT_FILTERS_QUESTION = [...GIT_OPTIONS, 'config', '--null', '--name-only', '--get-regexp', String.raw`^filter\.`];

/** A filter that the configuration names runs for every file that changed: each is set to nothing. */
export function withoutFilters(answer: string): readonly string[] {
  const drivers = new Set(answer.split('\0').flatMap((name) => /^filter\.(.+)\.[^.]+$/s.exec(name)?.[1] ?? []));
  return [...drivers].flatMap((driver) =>
    ['clean', 'smudge', 'process'].flatMap((member) => ['-c', `filter.${driver}.${member}=`]).concat('-c', `filter.${driver}.required=false`),
  );
}

export const GIT_ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'false',
  GIT_PAGER: 'cat',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_LAZY_FETCH: '1',
} as const;
