import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import type { CommandResult, GlobalOptions, Invocation } from './command.ts';
import { type CommandEntry, COMMANDS, HOST_COMMAND } from './command-table.ts';
import { formatJson } from './output/json.ts';
import { formatTable } from './output/table.ts';
import { createTerminal, standardOutput } from './output/terminal.ts';
import { readArgv, type Request } from './read-argv.ts';

/** Parses a command line, runs its command, prints its result or its failure, and answers the exit code. */
export async function runProgram(argv: readonly string[], version: string): Promise<number> {
  const stdout = createTerminal(standardOutput(1), process.env);
  const stderr = createTerminal(standardOutput(2), process.env);
  const interrupt = abortOnInterrupt();
  // known before parsing, so that a wrong option is reported in the asked form too
  const json = argv.includes('--json');
  try {
    const result = await run(readArgv(argv, isFile), { version, stdout, stderr, signal: interrupt });
    if (result.kind === 'streamed') return result.exitCode;
    stdout.write(json ? formatJson(result.document) : result.text);
    return result.exitCode ?? 0;
  } catch (error) {
    const { asUserError, errorDocument, formatError } = await import('./output/error.ts');
    const { exitCodeOf } = await import('./output/exit-code.ts');
    const shown = asUserError(error, interrupt);
    if (json) stdout.write(formatJson(errorDocument(shown)));
    else stderr.write(formatError(shown, stderr.style));
    return exitCodeOf(shown);
  }
}

type Surroundings = Pick<Invocation, 'stdout' | 'stderr' | 'signal'> & { readonly version: string };

async function run(request: Request, surroundings: Surroundings): Promise<CommandResult> {
  switch (request.kind) {
    case 'version':
      return { kind: 'document', document: { version: surroundings.version }, text: `${surroundings.version}\n` };
    case 'help':
      return {
        kind: 'document',
        document: { commands: COMMANDS.map(({ name, aliases = [], summary }) => ({ name, aliases, summary })) },
        text: await helpOf(request.entry),
      };
    case 'command':
      return runCommand(request.entry, request.rest, surroundings);
    case 'shell':
      return refuseShellCall(request.word);
    case 'unknown':
      return refuseUnknown(request.word, request.candidates);
  }
}

async function runCommand(entry: CommandEntry, rest: readonly string[], { stdout, stderr, signal }: Surroundings): Promise<CommandResult> {
  const around = (globals: GlobalOptions): Invocation => ({
    globals,
    cwd: resolve(globals.directory ?? '.'),
    home: realHome(resolve(process.env['DASH_HOME'] || join(homedir(), '.dash'))),
    env: process.env,
    // a getter: looking at standard input loads Node's streams, and most commands ask nothing
    get canAsk() {
      return globals.input && process.stdin.isTTY === true && process.stderr.isTTY === true;
    },
    stdout,
    stderr,
    signal,
  });
  // the parser is loaded only where there is something to parse
  if (entry.quick !== undefined && rest.every((word) => entry.quick?.words.includes(word))) {
    const words = new Set(rest);
    const globals = { json: words.has('--json'), quiet: words.has('--quiet'), offline: words.has('--offline'), input: true };
    const { answer } = await entry.quick.load();
    const result = await answer(around(globals), words);
    if (result !== undefined) return result;
  }
  const { parseCommand } = await import('./parse-command.ts');
  const { globals, start } = await parseCommand(entry, rest);
  return start(around(globals));
}

async function helpOf(entry: CommandEntry | undefined): Promise<string> {
  if (entry) {
    const { commandHelp } = await import('./parse-command.ts');
    return commandHelp(entry);
  }
  const rows = COMMANDS.map(({ name, summary }) => [`  ${name}`, summary]);
  return `dash installs packages for AI agents and runs them with the permissions you consented to\n
usage: dash <command> [options]
       dash [options]            ${HOST_COMMAND.summary}
       dash -p <prompt>          answer one prompt and end

commands:
${formatTable(rows)}
\`dash help <command>\` shows its options; \`--json\` works with every command
`;
}

async function refuseShellCall(word: string): Promise<never> {
  const { DashError } = await import('../format/index.ts');
  throw new DashError('USAGE', `\`dash ${word}\` looks like a call of the shell \`/bin/dash\`; this is the agent package manager of the same name`, {
    hint: 'call the shell as `/bin/dash` or `sh`; this program also answers to `dash-agent`',
  });
}

async function refuseUnknown(word: string, candidates: readonly string[]): Promise<never> {
  const { DashError, nearest } = await import('../format/index.ts');
  const meant = nearest(word, candidates);
  throw new DashError('UNKNOWN_COMMAND', `\`${word}\` is not a command`, {
    hint: meant === undefined ? '`dash --help` lists the commands' : `did you mean \`dash ${meant}\`?`,
  });
}

function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  });
  process.once('SIGTERM', () => controller.abort());
  return controller.signal;
}

/** Its real path where it exists: the processes of the sandbox may read paths and not the links that lead to them. */
function realHome(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    return home; // it is made when something is written, and then it is no link
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
