/** A package that a text tells its reader to install or to run. */
export interface MentionedPackage {
  readonly registry: 'npm' | 'pip';
  /** Without version. */
  readonly name: string;
  readonly offset: number;
}

const COMMANDS = [
  { registry: 'npm', pattern: /\b(?:npm (?:install|i|add|exec)|npx|pnpm (?:add|install|dlx)|yarn (?:add|dlx)|bunx?(?: add)?)[ \t]+([^\n`|;&<>()"']{1,200})/g },
  { registry: 'npm', pattern: /\b(?:dash|pi) install[ \t]+([^\n`|;&<>()"']{1,200})/g },
  { registry: 'pip', pattern: /\b(?:pip3? install|pipx (?:install|run)|uv (?:add|pip install)|uvx)[ \t]+([^\n`|;&<>()"']{1,200})/g },
] as const;
const NAMES = {
  npm: /^(?:npm:)?((?:@[a-z0-9][\w.-]{0,60}\/)?[a-z0-9][a-z0-9._-]{0,80})(?:@[^\s/]{1,40})?$/,
  pip: /^([A-Za-z0-9][A-Za-z0-9._-]{0,80})(?:\[[\w,-]{1,60}\])?(?:[=<>~!]=?[\w.*,=<>]{1,30})?$/,
} as const;
/** Those that run what they are given, not install it: the words behind the name are its own. */
const RUNNERS = /^(?:npx|npm exec|pnpm dlx|yarn dlx|bunx|uvx|pipx run)\b/;

/** Reads the packages out of commands. A word that is no name of a package ends the command's list. */
export function mentionedPackages(text: string): readonly MentionedPackage[] {
  return COMMANDS.flatMap(({ registry, pattern }) =>
    [...text.matchAll(pattern)].slice(0, 200).flatMap(({ 0: command, 1: rest = '', index }) => {
      const words = rest
        .trim()
        .split(/\s+/)
        .filter((word) => !word.startsWith('-'));
      const named = RUNNERS.test(command) ? words.slice(0, 1) : words;
      const end = named.findIndex((word) => !NAMES[registry].test(word));
      return named.slice(0, end === -1 ? named.length : end).flatMap((word) => {
        const name = NAMES[registry].exec(word)?.[1]?.toLowerCase();
        return name === undefined ? [] : [{ registry, name: registry === 'pip' ? name.replaceAll(/[._]+/g, '-') : name, offset: index }];
      });
    }),
  );
}
