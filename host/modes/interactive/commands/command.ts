import type { Host } from '../../../host.ts';
import type { KeyAction } from '../../../keybindings.ts';
import type { Tone } from '../blocks/text-block.ts';
import type { Household } from '../household.ts';
import type { Screen } from '../screen.ts';
import type { Palette } from '../theme.ts';
import type { Themes } from '../themes.ts';

/** What a command of the screen works with. */
export interface CommandContext {
  readonly host: Host;
  readonly screen: Screen;
  readonly palette: Palette;
  readonly themes: Themes;
  /** What is installed, and what it may do; absent where an embedder has no packages of a user's. */
  readonly household: Household | undefined;
  /** Adds a line of Dash's own to the transcript. */
  say(text: string, tone?: Tone): void;
  /** Puts text where the user types. */
  write(text: string): void;
  /** Puts text into the user's clipboard. */
  copy(text: string): void;
  /** Fires when the mode ends. */
  readonly signal: AbortSignal;
  /** Ends the mode. */
  leave(): void;
}

/** A command that opens a panel, or does something to the screen; typed after `/`, or by a key. */
export interface ScreenCommand {
  readonly name: string;
  readonly description: string;
  /** What can be bound to a key for it. */
  readonly action?: KeyAction;
  /** Whether words may follow its name. With words, a command without this is one of the host, or text. */
  readonly takesWords?: true;
  run(words: string, context: CommandContext): Promise<void> | void;
}
