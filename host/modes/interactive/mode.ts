import type { CommandContext } from './commands/index.ts';
import type { PromptEditor } from './prompt-editor.ts';
import type { Transcript } from './transcript.ts';

/** What the keys of the mode work with: all that its commands have, and the pieces that only keys touch. */
export interface Mode extends CommandContext {
  readonly transcript: Transcript;
  readonly editor: PromptEditor;
  /** Shows what went wrong; the work goes on. */
  fail(error: unknown): void;
  /** Takes a line as if it had been typed. */
  submit(text: string, streamingBehavior: 'steer' | 'followUp'): Promise<void>;
  /** Gives the terminal to somebody else, and takes it back. */
  aside<Result>(use: () => Promise<Result>): Promise<Result>;
  /** Stops the process until the shell goes on with it. */
  suspend(): void;
}
