import { setCapabilityOverrides } from '@earendil-works/pi-tui';
import { isDashError } from '../../../format/index.ts';
import { describeUnmarked } from '../../describe-diagnostic.ts';
import type { Host } from '../../host.ts';
import { createActions } from './actions.ts';
import { attachedImages } from './attached-images.ts';
import { clipboardImage } from './clipboard-image.ts';
import { SCREEN_COMMANDS } from './commands/index.ts';
import { completePrompt } from './complete-prompt.ts';
import { followHost } from './follow-host.ts';
import { Footer } from './footer.ts';
import { createKeyOf } from './key-of.ts';
import type { Household } from './household.ts';
import type { Mode } from './mode.ts';
import { PromptEditor } from './prompt-editor.ts';
import { openPromptHistory } from './prompt-history.ts';
import { createRemote } from './remote.ts';
import { MainScreen } from './screen.ts';
import { followStatus } from './status-facts.ts';
import { createSubmit } from './submit.ts';
import { createSuspender } from './suspend.ts';
import { StreamTerminal, type TerminalInput, type TerminalOutput } from './terminal.ts';
import { colorDepth, Palette } from './theme.ts';
import { backgroundOf, createThemes, firstTheme, followBackground } from './themes.ts';
import { Transcript } from './transcript.ts';
import { createUserInterface } from './user-interface.ts';
import { warnOfOthers } from './warn-of-others.ts';
import { welcome } from './welcome.ts';
import { WorkingLine } from './working-line.ts';

export interface InteractiveOptions {
  readonly input: TerminalInput;
  readonly output: TerminalOutput;
  /** What the terminal says of itself, and the programs that are called. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What is installed, for the commands about it. */
  readonly household?: Household;
  /** How much is asked, for the footer. */
  readonly profile?: string;
  /** How much was denied so far, to packages and to the agent. Default: what the agent's own tools were denied is counted. */
  readonly denials?: () => number;
  /** Ends the mode. */
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that only goes forward. Default: the process's. */
  readonly now?: () => number;
}

/** Has a person work with the agent until they leave. @returns the exit code */
export async function runInteractive(host: Host, options: InteractiveOptions): Promise<number> {
  const { input, output, household, env = process.env, profile, denials, signal, now = () => performance.now() } = options;
  const history = await openPromptHistory(host.dashHome, host.cwd);
  const left = Promise.withResolvers<void>();
  const ending = new AbortController();
  const leave = (): void => {
    ending.abort();
    left.resolve();
  };

  const terminal = new StreamTerminal({ input, output, lost: leave });
  // A link whose text is not where it leads could lead anywhere: the address is written out.
  setCapabilityOverrides({ hyperlinks: false });
  const palette = new Palette(firstTheme(), colorDepth(env));
  const keyOf = createKeyOf(() => host.keys());
  const transcript = new Transcript(palette, keyOf);
  const screen = new MainScreen({ terminal, transcript, now });
  const themes = createThemes({
    host,
    palette,
    changed() {
      // Lines are kept with their colours: all of them are drawn again.
      screen.painter.invalidate();
      remote.sceneChanged();
      screen.renew();
    },
    warn(message) {
      transcript.notice(message, 'warning');
      screen.refresh();
    },
  });
  const working = new WorkingLine(palette, keyOf, () => screen.refresh());
  const status = followStatus({
    host,
    profile,
    denials,
    changed: () => {
      footer.invalidate();
      remote.sceneChanged();
      screen.refresh();
    },
  });
  const footer = new Footer(status.facts, palette);
  const images = attachedImages();
  const suspender = createSuspender(screen.painter);

  const actions = createActions({
    mode: () => mode,
    env,
    now,
    async attachImage() {
      const image = await clipboardImage(env);
      if (image === undefined) return mode.say('there is no image in the clipboard');
      mode.editor.insertTextAtCursor(images.add(image));
      return screen.refresh();
    },
  });
  const editor = new PromptEditor({ tui: screen.painter, palette, keys: () => host.keys(), handlers: actions });
  const submit = createSubmit({ mode: () => mode, history, images });
  const mode: Mode = {
    host,
    screen,
    transcript,
    editor,
    palette,
    themes,
    household,
    say(text, tone = 'info') {
      transcript.notice(text, tone);
      screen.refresh();
    },
    write(text) {
      editor.setText(text);
      screen.refresh();
    },
    copy: (text) => terminal.copy(text),
    fail(error) {
      const hint = isDashError(error) && error.hint !== undefined ? `\nhint: ${error.hint}` : '';
      transcript.notice(`${error instanceof Error ? error.message : String(error)}${hint}`, 'error');
      screen.refresh();
    },
    async submit(text, streamingBehavior) {
      await submit(text, streamingBehavior);
      footer.invalidate();
      screen.refresh();
    },
    aside: suspender.aside,
    suspend: suspender.suspend,
    signal: ending.signal,
    leave,
  };

  const remote = createRemote({ host, screen, palette, themes, transcript, editor, status, now });
  for (const text of history.prompts) editor.addToHistory(text);
  editor.onSubmit = (text) => void mode.submit(text, 'steer');
  editor.setAutocompleteProvider(
    completePrompt({
      cwd: host.cwd,
      commands: () => [...SCREEN_COMMANDS, ...host.commands().filter(isNotOurs)],
      argumentsOf: (command, typed) => host.completeArguments(command, typed),
    }),
  );
  screen.show('aboveEditor', working);
  screen.show('footer', footer);
  screen.useEditor(editor);

  using _following = followHost({ host, terminal, screen, transcript, working, status, palette, themes, sceneChanged: () => remote.sceneChanged() });
  host.attach(createUserInterface({ screen, terminal, transcript, editor, working, statuses: status.statuses, palette, remote }));
  const greeting = welcome(host);
  if (greeting !== undefined) transcript.notice(greeting, 'muted');
  for (const diagnostic of host.diagnostics) transcript.notice(describeUnmarked(diagnostic), diagnostic.severity === 'error' ? 'error' : 'warning');

  signal?.addEventListener('abort', leave, { once: true });
  for (const name of ENDING_SIGNALS) process.on(name, leave);
  void host.ended.then(leave);
  themes.background(backgroundOf(env) ?? 'dark');
  screen.painter.start();
  followBackground(screen.painter, themes.background);
  try {
    host.begin().catch(mode.fail);
    warnOfOthers(mode);
    household
      ?.updates()
      .then(({ length }) => length > 0 && mode.say(`${length === 1 ? '1 update waits' : `${length} updates wait`} for you: \`/updates\``), mode.fail);
    await left.promise;
  } finally {
    themes[Symbol.dispose]();
    suspender[Symbol.dispose]();
    screen.painter.stop();
    for (const name of ENDING_SIGNALS) process.off(name, leave);
  }
  return 0;
}

/** A terminal that goes away, and whoever ends programs politely. */
const ENDING_SIGNALS = ['SIGTERM', 'SIGHUP'] as const;

function isNotOurs({ name }: { readonly name: string }): boolean {
  return SCREEN_COMMANDS.every((command) => command.name !== name);
}
