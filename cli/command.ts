import type { Command } from 'commander';

import type { Terminal } from './output/terminal.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  /** Answers yes where nothing is granted by it; a permission question is never answered by it. */
  readonly yes?: boolean;
  /** `false` under `--no-input`: what would be asked fails instead. */
  readonly input: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** `false` under `--no-progress`. */
  readonly progress?: boolean;
  readonly dryRun?: boolean;
  readonly offline?: boolean;
  /** The files of the project may speak: registries in its `.npmrc`, and to the agent what is for agents. */
  readonly trustProject?: boolean;
  readonly registry?: string;
  readonly local?: boolean;
  readonly user?: boolean;
  readonly directory?: string;
}

/** What a command is started with, beside its own options. */
export interface Invocation {
  readonly globals: GlobalOptions;
  /** The working directory, after `-C`; absolute. */
  readonly cwd: string;
  /** `DASH_HOME`, absolute. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when a question can be put: a terminal on both ends and no `--no-input`. */
  readonly canAsk: boolean;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Aborts on the first Ctrl-C; the second ends the process. */
  readonly signal: AbortSignal;
}

/** What a command answers. Commands return data, the program prints it. */
export type CommandResult =
  | {
      readonly kind: 'document';
      /** What `--json` prints. */
      readonly document: unknown;
      /** What people see, in lines. */
      readonly text: string;
      readonly exitCode?: number;
    }
  /** The command wrote as it went, like the host or a service. */
  | { readonly kind: 'streamed'; readonly exitCode: number };

/** Adds arguments and options to `command`, and answers what runs once they are parsed. */
export type DefineCommand = (command: Command) => RunCommand;

/**
 * Answers without the parser what was typed with nothing but words that are known to it; `undefined` when it takes the
 * whole command after all.
 */
export type QuickAnswer = (invocation: Invocation, words: ReadonlySet<string>) => Promise<CommandResult | undefined>;

export type RunCommand = (invocation: Invocation) => Promise<CommandResult>;
