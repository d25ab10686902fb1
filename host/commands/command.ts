import type { NavigateOptions } from '../session-control.ts';

/** What a slash command of the host may do. */
export interface CommandHost {
  reload(): Promise<string>;
  newSession(): Promise<string>;
  rename(name: string): string;
  chooseModel(reference: string): string;
  describeSession(): string;
  compact(instructions: string): Promise<string>;
  tree(entryId: string, options: NavigateOptions): Promise<string>;
  fork(entryId: string): Promise<string>;
  clone(): Promise<string>;
  resume(reference: string): Promise<string>;
  exportHtml(path: string): Promise<string>;
  /** What may be typed after `/model`: each model, and its name. */
  modelChoices(): readonly Choice[];
  /** What may be typed after `/resume`: each session of this directory, and how it begins. */
  sessionChoices(): Promise<readonly Choice[]>;
}

/** A word that may be typed, and what it means. */
export interface Choice {
  readonly word: string;
  readonly about: string;
}

/** A command of the host, typed after `/`. It answers with a line for the user. */
export interface HostCommand {
  readonly name: string;
  readonly description: string;
  run(args: string, host: CommandHost): Promise<string> | string;
  /** The words that may be typed after it. */
  choices?(host: CommandHost): Promise<readonly Choice[]> | readonly Choice[];
}
