import { homedir } from 'node:os';
import { KeybindingsManager, setCapabilityOverrides, setKeybindings, TUI_KEYBINDINGS } from '@earendil-works/pi-tui';
import { isDashError } from '../../../format/index.ts';
import { parseTheme } from '../../../skills-lib/index.ts';
import { describe } from '../../describe-diagnostic.ts';
import type { Host } from '../../host.ts';
import type { HostEvent } from '../../host-event.ts';
import { THINKING_LEVELS } from '../../model/port.ts';
import { contextUsage } from '../../session/context-usage.ts';
import { messagesOf } from '../../session/context.ts';
import { sessionStats } from '../../session/session-stats.ts';
import { type CommandContext, readScreenCommand, SCREEN_COMMANDS } from './commands/index.ts';
import { Footer, type FooterFacts } from './footer.ts';
import type { Household } from './household.ts';
import { keyIdOf, PromptEditor } from './prompt-editor.ts';
import { MainScreen } from './screen.ts';
import { StreamTerminal, type TerminalInput, type TerminalOutput } from './terminal.ts';
import { colorDepth, Palette } from './theme.ts';
import dark from './themes/dark.json' with { type: 'json' };
import { Transcript } from './transcript.ts';
import { createUserInterface } from './user-interface.ts';
import { WorkingLine } from './working-line.ts';

export interface InteractiveOptions {
  readonly input: TerminalInput;
  readonly output: TerminalOutput;
  /** What the terminal says of itself. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What is installed, for the commands about it. */
  readonly household?: Household;
  /** How much is asked, for the footer. */
  readonly profile?: string;
  /** Ends the mode. */
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that only goes forward. Default: the process's. */
  readonly now?: () => number;
}

/** Has a person work with the agent until they leave. @returns the exit code */
export async function runInteractive(host: Host, options: InteractiveOptions): Promise<number> {
  const { input, output, env = process.env, household, profile, signal, now = () => performance.now() } = options;
  const left = Promise.withResolvers<void>();
  const leave = (): void => left.resolve();
  const terminal = new StreamTerminal({ input, output, lost: leave });
  // A link whose text is not where it leads could lead anywhere: the address is written out.
  setCapabilityOverrides({ hyperlinks: false });
  const palette = new Palette(parseTheme(JSON.stringify(dark), 'dark.json'), colorDepth(env));
  const transcript = new Transcript(palette);
  const screen = new MainScreen({ terminal, transcript, now });
  const working = new WorkingLine(palette, () => screen.refresh());
  const statuses = new Map<string, string>();
  let denials = 0;

  const facts = (): FooterFacts => {
    const { conversation } = host;
    const usage = contextUsage(conversation.session.tree.path(), conversation.model);
    return {
      place: host.cwd.startsWith(homedir()) ? `~${host.cwd.slice(homedir().length)}` : host.cwd,
      branch: undefined,
      session: conversation.session.tree.name,
      model: conversation.model?.id,
      thinking: conversation.thinking ?? 'off',
      cost: sessionStats(conversation.session.tree.entries).cost,
      contextPercent: usage?.percent,
      contextWindow: usage?.contextWindow,
      profile,
      denials,
      statuses,
      troubles: [],
    };
  };
  const footer = new Footer(facts, palette);
  const fail = (error: unknown): void => {
    const hint = isDashError(error) && error.hint !== undefined ? `\nhint: ${error.hint}` : '';
    transcript.notice(`${error instanceof Error ? error.message : String(error)}${hint}`, 'error');
    screen.refresh();
  };

  const submit = async (typed: string, streamingBehavior: 'steer' | 'followUp'): Promise<void> => {
    const text = typed.trim();
    if (text === '') return;
    editor.addToHistory(text);
    const own = readScreenCommand(text);
    try {
      if (own !== undefined) await own.command.run(own.words, commandContext);
      else if (text.startsWith('!')) {
        const command = text.replace(/^!!?/, '').trim();
        const { output: said, exitCode } = await host.runBash(command, { excludeFromContext: text.startsWith('!!') });
        transcript.notice(`! ${command}\n${said}${exitCode === 0 ? '' : `\n[exit code ${exitCode ?? 'none'}]`}`, 'muted');
      } else {
        const outcome = await host.prompt(text, { streamingBehavior });
        if (outcome.kind === 'handled' && outcome.message !== undefined) transcript.notice(outcome.message, 'info');
      }
    } catch (error) {
      fail(error);
    }
    footer.invalidate();
    screen.refresh();
  };

  const commandContext: CommandContext = {
    host,
    screen,
    palette,
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
    leave,
  };
  const byKey = Object.fromEntries(
    SCREEN_COMMANDS.flatMap(({ action, run }) =>
      action === undefined
        ? []
        : [
            [
              action,
              () => {
                Promise.resolve(run('', commandContext)).catch(fail);
              },
            ],
          ],
    ),
  );

  let clearedAt = -Infinity;
  const editor: PromptEditor = new PromptEditor({
    tui: screen.painter,
    palette,
    keys: () => host.keys(),
    handlers: {
      ...byKey,
      'app.interrupt': () => {
        if (!host.conversation.isStreaming && !host.conversation.isCompacting) return false;
        void host.conversation.abort();
        return true;
      },
      'app.clear': () => {
        if (editor.getText() === '' && now() - clearedAt < TWICE_MS) leave();
        clearedAt = now();
        editor.setText('');
      },
      'app.exit': () => {
        if (editor.getText() !== '') return false;
        leave();
        return true;
      },
      'app.tools.expand': () => {
        transcript.toggleTools();
        screen.refresh();
      },
      'app.thinking.toggle': () => {
        transcript.toggleThinking();
        screen.refresh();
      },
      'app.thinking.cycle': () => {
        const levels = [undefined, ...THINKING_LEVELS];
        host.conversation.setThinking(levels[(levels.indexOf(host.conversation.thinking) + 1) % levels.length]);
      },
      'app.message.followUp': () => {
        const text = editor.getExpandedText();
        editor.setText('');
        void submit(text, 'followUp');
      },
    },
  });
  editor.onSubmit = (text) => void submit(text, 'steer');
  setKeybindings(new KeybindingsManager(TUI_KEYBINDINGS, inputBindings(host)));

  screen.show('aboveEditor', working);
  screen.show('footer', footer);
  screen.useEditor(editor);
  host.attach(createUserInterface({ screen, terminal, transcript, editor, working, statuses, palette }));
  const follow = (event: HostEvent): void => {
    transcript.follow(event);
    if (event.type === 'agent_start') working.start();
    if (event.type === 'agent_settled') {
      working.stop();
      screen.painter.repair();
    }
    if (event.type === 'queue_update') working.queue(event.steering, event.followUp);
    if (event.type === 'permission_denied') denials += 1;
    if (event.type === 'session_changed') transcript.load(host.conversation.session.tree.branch().flatMap(messagesOf));
    if (event.type !== 'message_update' && event.type !== 'tool_execution_update') footer.invalidate();
    screen.refresh();
  };
  const unsubscribe = host.subscribe(follow);
  transcript.load(host.conversation.session.tree.branch().flatMap(messagesOf));
  for (const diagnostic of host.diagnostics) transcript.notice(describe(diagnostic), diagnostic.severity === 'error' ? 'error' : 'warning');

  signal?.addEventListener('abort', leave, { once: true });
  for (const name of ENDING_SIGNALS) process.on(name, leave);
  void host.ended.then(leave);
  screen.painter.start();
  try {
    host.begin().catch(fail);
    await left.promise;
  } finally {
    unsubscribe();
    working.stop();
    screen.painter.stop();
    for (const name of ENDING_SIGNALS) process.off(name, leave);
  }
  return 0;
}

const TWICE_MS = 1000;
const ENDING_SIGNALS = ['SIGTERM', 'SIGHUP'] as const;

/** The keys that the editor itself reads, as the user bound them. */
function inputBindings(host: Host): Record<string, ReturnType<typeof keyIdOf>[]> {
  const { bindings } = host.keys();
  return Object.fromEntries(Object.entries(bindings).flatMap(([action, keys]) => (action.startsWith('tui.') ? [[action, keys.map(keyIdOf)]] : [])));
}
