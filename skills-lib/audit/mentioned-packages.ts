/** A package that a text tells its reader to install or to run. */
export interface MentionedPackage {
  readonly registry: 'npm' | 'pip';
  /** Without version. */
  readonly name: string;
  readonly offset: number;
}

interface Form {
  readonly registry: MentionedPackage['registry'];
  readonly pattern: RegExp;
  /** Options whose value is no package. */
  readonly valued: ReadonlySet<string>;
}

const NPM_VALUED = ['--prefix', '--registry', '-C', '--cwd', '--dir', '--filter', '-F', '--tag', '-c', '--call', '--loglevel'];
const PIP_VALUED = new Set(
  '-r --requirement -c --constraint -e --editable -t --target -i --index-url --extra-index-url -f --find-links --python -p --prefix --root --group --extra --platform'.split(
    ' ',
  ),
);
/** What stands behind a command is looked at and not passed over: a second command may stand in it. */
const FORMS: readonly Form[] = [
  { registry: 'npm', pattern: /\bnpm (?:install|i|add|exec|x)[ \t]+(?=([^\n`|;&<>()"']{1,300}))/g, valued: new Set([...NPM_VALUED, '-w', '--workspace']) },
  {
    registry: 'npm',
    pattern: /\b(?:npx|pnpm (?:add|install|dlx)|pnpx|yarn (?:global add|add|dlx)|bun (?:add|install|x)|bunx)[ \t]+(?=([^\n`|;&<>()"']{1,300}))/g,
    // to these `-w` says where, and has no value
    valued: new Set(NPM_VALUED),
  },
  { registry: 'npm', pattern: /\b(?:dash|pi) install[ \t]+(?=([^\n`|;&<>()"']{1,300}))/g, valued: new Set(['--grant', '--deny', '--skill', '--min-age']) },
  {
    registry: 'pip',
    pattern: /\b(?:pip3? install|pipx (?:install|run)|uv (?:add|pip install|tool (?:install|run))|uvx)[ \t]+(?=([^\n`|;&<>()"']{1,300}))/g,
    valued: PIP_VALUED,
  },
];
/** Where the next command begins, which is looked at by itself. */
const COMMAND = /\b(?:(?:npm|pnpm|yarn|bun|pip3?|pipx|uv|dash|pi)[ \t]+(?:install|i|add|exec|x|dlx|global|run|pip|tool)|npx|pnpx|bunx|uvx)[ \t]/;
const NAMES = {
  npm: /^(?:npm:)?((?:@[a-z0-9][\w.-]{0,60}\/)?[a-z0-9][a-z0-9._-]{0,80}?)(?:@[^\s/]{1,40})?[.,:]?$/,
  pip: /^([A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?)(?:\[[\w,-]{1,60}\])?(?:[=<>~!]=?[\w.*,=<>]{1,30})?[.,:]?$/,
} as const;
/** Those that run what they are given, not install it: the words behind the name are its own. */
const RUNNERS = /^(?:npx|npm (?:exec|x)|pnpm dlx|pnpx|yarn dlx|bunx|bun x|uvx|uv tool run|pipx run)\b/;
/** For a runner, the package that another word's program is in. */
const FROM = { npm: new Set(['-p', '--package']), pip: new Set(['--from', '--spec', '--with']) } as const;
/** Files, and words of a sentence: `npm install` stands in prose as well. */
const NO_PACKAGE =
  /\.(?:tsx?|json|txt|md|py|sh|tgz|whl|zip)$|^(?:a|an|and|after|again|all|any|as|at|before|by|first|for|from|globally|if|in|into|is|it|its|locally|needed|of|on|or|so|the|them|then|this|that|to|up|via|when|will|with|without|you|your)$/i;

/** Reads the packages out of commands, each once. A word that is no name of a package ends the command's list. */
export function mentionedPackages(text: string): readonly MentionedPackage[] {
  return FORMS.flatMap(({ registry, pattern, valued }) => {
    const mentioned = new Map<string, MentionedPackage>();
    for (const { 0: command, 1: behind = '', index } of text.matchAll(pattern)) {
      const rest = behind.split(COMMAND, 1)[0] ?? '';
      const words = RUNNERS.test(command) ? runBy(rest, valued, FROM[registry]) : installedBy(rest, valued);
      for (const word of words) {
        const name = NAMES[registry].exec(word)?.[1]?.toLowerCase();
        if (name === undefined || NO_PACKAGE.test(name)) break;
        const known = registry === 'pip' ? name.replaceAll(/[._]+/g, '-') : name;
        if (!mentioned.has(known)) mentioned.set(known, { registry, name: known, offset: index });
      }
    }
    return [...mentioned.values()];
  });
}

function* installedBy(rest: string, valued: ReadonlySet<string>): Generator<string> {
  let previous = '';
  for (const word of wordsOf(rest)) {
    if (!word.startsWith('-') && !valued.has(previous)) yield word;
    previous = word;
  }
}

/** `npx --package a b` runs b, which is in a. */
function* runBy(rest: string, valued: ReadonlySet<string>, from: ReadonlySet<string>): Generator<string> {
  let previous = '';
  let isNamed = false;
  for (const word of wordsOf(rest)) {
    const [, option = '', value] = /^(--[a-z]+)=(.+)$/.exec(word) ?? [];
    const named = value !== undefined && from.has(option) ? value : from.has(previous) ? word : undefined;
    if (named !== undefined) {
      isNamed = true;
      yield named;
    } else if (!word.startsWith('-') && !valued.has(previous)) {
      if (!isNamed) yield word;
      return;
    }
    previous = word;
  }
}

/** One after the other: most commands end at their first word. */
function* wordsOf(rest: string): Generator<string> {
  for (const [word] of rest.matchAll(/\S+/g)) yield word;
}
