import { Command, CommanderError } from 'commander';

import { DashError } from '../format/index.ts';
import type { GlobalOptions, RunCommand } from './command.ts';
import type { CommandEntry } from './command-table.ts';

/**
 * Parses what follows a command's name.
 *
 * @throws {DashError} USAGE for an unknown option or a missing argument
 */
export async function parseCommand(entry: CommandEntry, rest: readonly string[]): Promise<{ readonly globals: GlobalOptions; readonly start: RunCommand }> {
  const command = withGlobalOptions(new Command(`dash ${entry.name}`.trim()));
  const start = (await entry.load()).define(command);
  parse(command, rest);
  return { globals: command.opts<GlobalOptions>(), start };
}

/** Writes the help of one command. */
export async function commandHelp(entry: CommandEntry): Promise<string> {
  return (await describeCommand(entry)).helpInformation();
}

/** Gives the arguments and options of one command, the global ones included. */
export async function describeCommand(entry: CommandEntry): Promise<Command> {
  const command = withGlobalOptions(new Command(`dash ${entry.name}`).description(entry.summary));
  if (entry.aliases) command.aliases(entry.aliases);
  (await entry.load()).define(command);
  return command;
}

function parse(command: Command, rest: readonly string[]): void {
  try {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => {}, writeOut: () => {} })
      .parse(rest, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const [message = '', suggestion] = error.message
      .replace(/^error: /, '')
      .replaceAll("'", '`')
      .split('\n');
    const hint = suggestion ? suggestion.replace(/^\(|\)$/g, '').toLowerCase() : `\`${command.name()} --help\` shows how it is used`;
    throw new DashError('USAGE', message, { hint, cause: error });
  }
}

function withGlobalOptions(command: Command): Command {
  return command
    .configureHelp({ optionDescription: (option) => option.description })
    .helpOption('-h, --help', 'show this')
    .option('--json', 'print one JSON document')
    .option('-y, --yes', 'answer yes; never answers a permission question')
    .option('--no-input', 'ask nothing; fail where a question would be asked')
    .option('--quiet', 'print only results and errors')
    .option('--no-progress', 'draw no progress on the terminal')
    .option('--verbose', 'print more of what happens')
    .option('--dry-run', 'change nothing; show what would change')
    .option('-C, --directory <dir>', 'work in this directory')
    .option('--offline', 'use no network')
    .option('--trust-project', 'take registries from the `.npmrc` of this directory; the agent also reads what it says to agents')
    .option('--registry <url>', 'use this npm registry')
    .option('-l, --local', 'work on the project instead of the user')
    .option('--user', 'work on the user');
}
