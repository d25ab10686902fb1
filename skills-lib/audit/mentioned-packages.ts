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
const MOST = 200;

/** Reads the packages out of commands. A word that is no name of a package ends the command's list. */
export function mentionedPackages(text: string): readonly MentionedPackage[] {
  return FORMS.flatMap(({ registry, pattern, valued }) => {
    const mentioned: MentionedPackage[] = [];
    for (const { 0: command, 1: rest = '', index } of text.matchAll(pattern)) {
      for (const word of RUNNERS.test(command) ? runBy(rest, valued, FROM[registry]) : installedBy(rest, valued)) {
        const name = NAMES[registry].exec(word)?.[1]?.toLowerCase();
        if (name === undefined || NO_PACKAGE.test(name)) break;
        mentioned.push({ registry, name: registry === 'pip' ? name.replaceAll(/[._]+/g, '-') : name, offset: index });
      }
      if (mentioned.length >= MOST) break;
    }
    return mentioned;
  });
}

function installedBy(rest: string, valued: ReadonlySet<string>): readonly string[] {
  const words = wordsOf(rest);
  return words.filter((word, at) => !word.startsWith('-') && !valued.has(words[at - 1] ?? ''));
}

/** `npx --package a b` runs b, which is in a. */
function runBy(rest: string, valued: ReadonlySet<string>, from: ReadonlySet<string>): readonly string[] {
  const words = wordsOf(rest);
  const named = words.flatMap((word, at) => {
    const [, option = '', value] = /^(--[a-z]+)=(.+)$/.exec(word) ?? [];
    if (value !== undefined) return from.has(option) ? [value] : [];
    return from.has(words[at - 1] ?? '') ? [word] : [];
  });
  if (named.length > 0) return named;
  const first = words.find((word, at) => !word.startsWith('-') && !valued.has(words[at - 1] ?? ''));
  return first === undefined ? [] : [first];
}

function wordsOf(rest: string): readonly string[] {
  return rest.trim().split(/\s+/);
}
