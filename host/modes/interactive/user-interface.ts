import type { SelectItem } from '@earendil-works/pi-tui';
import type { DialogOptions, SurfacePort, UiSurface } from '../../../sandbox/index.ts';
import { answerChoices, describeQuestion } from '../../permission-text.ts';
import type { UserInterface } from '../../user-interface.ts';
import { Block } from './blocks/block.ts';
import { inputPanel, selectPanel } from './dialogs.ts';
import { QuestionBlock } from './question-block.ts';
import type { PromptEditor } from './prompt-editor.ts';
import type { Screen } from './screen.ts';
import type { StreamTerminal } from './terminal.ts';
import type { Palette } from './theme.ts';
import type { Transcript } from './transcript.ts';
import type { WorkingLine } from './working-line.ts';

export interface InterfaceParts {
  readonly screen: Screen;
  readonly terminal: StreamTerminal;
  readonly transcript: Transcript;
  readonly editor: PromptEditor;
  readonly working: WorkingLine;
  readonly statuses: Map<string, string>;
  readonly palette: Palette;
  /** Where packages draw with code of their own. */
  readonly remote: SurfacePort & { sceneChanged(): void };
}

/** How packages and questions reach the person at the terminal. */
export function createUserInterface({ screen, terminal, transcript, editor, working, statuses, palette, remote }: InterfaceParts): UserInterface {
  const widgets = new Map<string, Disposable>();
  const setSurface = (surface: UiSurface): void => {
    switch (surface.kind) {
      case 'status':
        if (surface.text === undefined) statuses.delete(surface.key);
        else statuses.set(surface.key, surface.text);
        remote.sceneChanged();
        return screen.refresh();
      case 'widget':
        widgets.get(surface.key)?.[Symbol.dispose]();
        widgets.delete(surface.key);
        if (surface.lines !== undefined)
          widgets.set(
            surface.key,
            screen.show(surface.placement === 'belowEditor' ? 'belowEditor' : 'aboveEditor', new Lines(surface.lines, palette), { package: surface.key }),
          );
        return;
      case 'title':
        return terminal.setTitle(surface.text);
      case 'editorText':
        if (surface.paste) editor.insertTextAtCursor(surface.text);
        else editor.setText(surface.text);
        return screen.refresh();
      case 'working':
        return working.say(surface.message);
      case 'workingVisible':
        return working.setVisible(surface.visible);
      case 'workingIndicator':
        return working.setIndicator(surface.indicator);
      case 'hiddenThinkingLabel':
        transcript.labelThinking(surface.label);
        return screen.refresh();
      case 'toolsExpanded':
        transcript.toggleTools(surface.expanded);
        remote.sceneChanged();
        return screen.refresh();
    }
  };
  const select = (title: string, items: readonly SelectItem[], options: DialogOptions): Promise<string | undefined> =>
    screen.modal<string>((done) => selectPanel(title, items, palette, done), { ...signalOf(options), package: 'package' });
  return {
    mode: 'tui',
    hasUI: true,
    notify(message, level) {
      transcript.notice(message, level);
      screen.refresh();
    },
    select: (title, choices, options) =>
      select(
        title,
        choices.map((choice) => ({ value: choice, label: choice })),
        options,
      ),
    // No is first: Enter alone grants nothing.
    confirm: async (title, message, options) =>
      (await select(
        `${title}\n${message}`,
        [
          { value: 'no', label: 'no' },
          { value: 'yes', label: 'yes' },
        ],
        options,
      )) === 'yes',
    input: (title, placeholder, options) =>
      screen.modal<string>((done) => inputPanel(title, placeholder, palette, done), { ...signalOf(options), package: 'package' }),
    editor: (title, prefill, options) =>
      screen.modal<string>((done) => inputPanel(title, prefill, palette, done), { ...signalOf(options), package: 'package' }),
    set: setSurface,
    surfaces: remote,
    editorText: () => editor.getExpandedText(),
    async askPermission(question, signal) {
      const choices = answerChoices(question, { mayWrite: true });
      const keys = choices.map(({ key }) => key);
      const lines = [...describeQuestion(question), ...choices.map(({ key, label }) => `  [${key}] ${label}`)];
      const key = await screen.ask({ component: new QuestionBlock(lines, palette), keys, signal });
      const chosen = choices.find((choice) => choice.key === key) ?? { answer: 'no' as const, label: 'no' };
      transcript.notice(`${question.package}: ${question.capability} ${question.target} → ${chosen.label}`, 'muted');
      return chosen.answer;
    },
  };
}

function signalOf({ signal, timeoutMs }: DialogOptions): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.any([...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])]) };
}

/** Lines of a package: marked, so that none looks like one of ours. */
class Lines extends Block {
  readonly #lines: readonly string[];
  readonly #palette: Palette;

  constructor(lines: readonly string[], palette: Palette) {
    super();
    this.#lines = lines;
    this.#palette = palette;
  }

  protected override draw(): string[] {
    return this.#lines.map((line) => `${this.#palette.fg('borderMuted', '│')} ${line}`);
  }
}
