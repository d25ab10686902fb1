import { HOLE } from './value.ts';

/** What a command says: its permission, or that it cannot be told which program it is. */
export type CommandNeed = { readonly kind: 'permission'; readonly permission: string } | { readonly kind: 'computed' };

/** Programs whose first word says what they do: `git status` is less than `git`. */
const WITH_SUBCOMMANDS = new Set(
  'git gh glab npm pnpm yarn bun deno docker podman kubectl helm cargo go systemctl brew apt apt-get pip pip3 uv aws gcloud az terraform'.split(' '),
);

const SHELL_WORDS = new Set(
  '. alias bg cd command eval exec exit export fg hash jobs read set shift source test times trap type ulimit umask unalias unset wait'.split(' '),
);

/** A call of a program with a list of arguments, as far as they are known. */
export function programNeed(program: string, args: readonly string[]): CommandNeed {
  if (!/^[A-Za-z0-9._/:=@%+,^-]+$/.test(program)) return { kind: 'computed' };
  const [first = ''] = args;
  const name = program.slice(program.lastIndexOf('/') + 1);
  const isSubcommand = WITH_SUBCOMMANDS.has(name) && /^[a-z][a-z-]*$/.test(first);
  return { kind: 'permission', permission: isSubcommand ? `exec:${program} ${first}` : `exec:${program}` };
}

/** Programs that are run for the files of a workspace. */
const WORKSPACE_TOOLS = new Set(
  'git gh npm pnpm yarn bun deno cargo go make rg grep fd find ls tree cat head tail wc diff tsc eslint prettier biome pytest jest vitest'.split(' '),
);

/** Tells whether a command is of no use without files to work on. */
export function isWorkspaceTool(command: string): boolean {
  const [program = ''] = command.trim().split(/\s+/);
  return WORKSPACE_TOOLS.has(program.slice(program.lastIndexOf('/') + 1));
}

/** A command line. What only a shell understands is run by the shell. */
export function commandLineNeed(line: string): CommandNeed {
  if (/[|&;<>()$`*?[\]{}~#!\n]/.test(line)) return { kind: 'permission', permission: 'exec:sh' };
  const words = line.trim().split(/\s+/);
  const [program = '', ...args] = words.map((word) => word.replaceAll(/["'\\]/g, ''));
  // `NAME=value program` sets a variable, which a shell does; `command -v git` is no program at all
  if (/^[A-Za-z_]\w*=/.test(program) || SHELL_WORDS.has(program)) return { kind: 'permission', permission: 'exec:sh' };
  return programNeed(program.includes(HOLE) ? HOLE : program, args);
}
