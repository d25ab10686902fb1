import type { Component, SelectItem } from '@earendil-works/pi-tui';
import type { DialogOptions, SurfacePort, UiSurface } from '../../../sandbox/index.ts';
import { answerChoices, tellQuestion } from '../../approval/permission-text.ts';
import type { UserInterface } from '../../user-interface.ts';
import { Block } from './blocks/block.ts';
import type { Status } from './footer.ts';
import { editorPanel, inputPanel, selectPanel } from './dialogs.ts';
import { PackageBorder } from './package-border.ts';
import { createToolApproval } from './tool-approval.ts';
import { QuestionBlock } from './question-block.ts';
import type { PromptEditor } from './prompt-editor.ts';
import type { MainScreen } from './screen.ts';
import type { StreamTerminal } from './terminal.ts';
import type { Palette } from './theme.ts';
import type { Transcript } from './transcript.ts';
import type { WorkingLine } from './working-line.ts';

export interface InterfaceParts {
  readonly screen: MainScreen;
  readonly terminal: StreamTerminal;
  readonly transcript: Transcript;
  readonly editor: PromptEditor;
  readonly working: WorkingLine;
  readonly statuses: Map<string, Status>;
  readonly palette: Palette;
  /** Where packages draw with code of their own. */
  readonly remote: SurfacePort & { sceneChanged(): void };
}

/** How packages and questions reach the person at the terminal. */
export function createUserInterface({ screen, terminal, transcript, editor, working, statuses, palette, remote }: InterfaceParts): UserInterface {
  const widgets = new Map<string, Disposable>();
  const bordered = (component: Component, by: string | undefined): Component => (by === undefined ? component : new PackageBorder(by, component, palette));
  const setSurface = (surface: UiSurface, by?: string): void => {
    // Each package has names of its own: none can take away what another one shows.
    const keyOf = (key: string): string => `${by ?? ''}\n${key}`;
    switch (surface.kind) {
      case 'status':
        if (surface.text === undefined) statuses.delete(keyOf(surface.key));
        else statuses.set(keyOf(surface.key), { key: surface.key, text: surface.text, by });
        remote.sceneChanged();
        return screen.refresh();
      case 'widget': {
        const key = keyOf(surface.key);
        widgets.get(key)?.[Symbol.dispose]();
        widgets.delete(key);
        if (surface.lines === undefined) return;
        const slot = surface.placement === 'belowEditor' ? 'belowEditor' : 'aboveEditor';
        widgets.set(key, screen.show(slot, bordered(new Lines(surface.lines), by), ownerOf(by)));
        return;
      }
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
    screen.modal<string>((done) => bordered(selectPanel(title, items, palette, done), options.by), { ...signalOf(options), ...ownerOf(options.by) });
  return {
    mode: 'tui',
    hasUI: true,
    notify(message, level, by) {
      transcript.notice(message, level, by);
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
      screen.modal<string>((done) => bordered(inputPanel(title, placeholder, palette, done), options.by), {
        ...signalOf(options),
        ...ownerOf(options.by),
        ...(options.isSecret === true ? { isSecret: true } : {}),
      }),
    editor: (title, prefill, options) =>
      screen.modal<string>((done) => bordered(editorPanel(title, prefill, { tui: screen.painter, palette }, done), options.by), {
        ...signalOf(options),
        ...ownerOf(options.by),
      }),
    set: setSurface,
    approveTool: createToolApproval({ screen, palette }),
    surfaces: remote,
    editorText: () => editor.getExpandedText(),
    async askPermission(question, signal) {
      const choices = answerChoices(question, { mayWrite: true });
      const keys = choices.map(({ key }) => key);
      const { title, call, facts } = tellQuestion(question);
      const answers = choices.map(({ key, label }) => `[${key}] ${label}`);
      const key = await screen.ask({ component: new QuestionBlock({ title, text: call, facts, answers }, screen, palette), keys, signal });
      const chosen = choices.find((choice) => choice.key === key) ?? { answer: 'no' as const, label: 'no' };
      transcript.notice(`${question.package}: ${question.capability} ${question.target} → ${chosen.label}`, 'muted');
      return chosen.answer;
    },
  };
}

function ownerOf(by: string | undefined): { readonly package?: string } {
  return by === undefined ? {} : { package: by };
}

function signalOf({ signal, timeoutMs }: DialogOptions): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.any([...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])]) };
}

/** Lines of a package. */
class Lines extends Block {
  readonly #lines: readonly string[];

  constructor(lines: readonly string[]) {
    super();
    this.#lines = lines;
  }

  protected override draw(): string[] {
    return [...this.#lines];
  }
}
