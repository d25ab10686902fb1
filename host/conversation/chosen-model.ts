import { DashError } from '../../format/index.ts';
import type { EventBus } from '../bus/event-bus.ts';
import type { HostEvent } from '../host-event.ts';
import type { ModelInfo, ThinkingLevel } from '../model/port.ts';
import type { Session } from '../session/session.ts';
import { noteSettings } from '../session/settings-in-force.ts';

export interface ChosenModelOptions {
  readonly bus: EventBus;
  readonly session: () => Session;
  readonly emit: (event: HostEvent) => Promise<void>;
  readonly thinking: ThinkingLevel | undefined;
}

/** The model that a conversation goes on with, and how hard it thinks. */
export class ChosenModel {
  readonly #options: ChosenModelOptions;
  #model: ModelInfo | undefined;
  #thinking: ThinkingLevel | undefined;

  constructor(options: ChosenModelOptions) {
    this.#options = options;
    this.#thinking = options.thinking;
  }

  get model(): ModelInfo | undefined {
    return this.#model;
  }

  get thinking(): ThinkingLevel | undefined {
    return this.#thinking;
  }

  /** @throws {DashError} NO_MODEL */
  get required(): ModelInfo {
    if (this.#model !== undefined) return this.#model;
    throw new DashError('NO_MODEL', 'no model is chosen', {
      hint: 'keep the key of a provider with `/login` or `dash login`, or set it in the environment, e.g. ANTHROPIC_API_KEY',
    });
  }

  /** The model that it starts with: nothing has changed, and nobody is told. */
  startWith(model: ModelInfo | undefined, thinking?: ThinkingLevel | 'off'): void {
    this.#model = model;
    if (thinking !== undefined) this.#thinking = thinking === 'off' ? undefined : thinking;
  }

  set(model: ModelInfo, source: 'set' | 'cycle'): void {
    const previousModel = this.#model;
    this.#model = model;
    this.note();
    void this.#options.emit({ type: 'model_select', model });
    void this.#options.bus.notify({ type: 'model_select', model, previousModel, source });
  }

  setThinking(level: ThinkingLevel | undefined): void {
    const previousLevel = this.#thinking ?? 'off';
    this.#thinking = level;
    this.note();
    void this.#options.emit({ type: 'thinking_level_changed', level: level ?? 'off' });
    void this.#options.bus.notify({ type: 'thinking_level_select', level: level ?? 'off', previousLevel });
  }

  /** Writes both down where the session says otherwise. */
  note(): void {
    noteSettings(this.#options.session(), this.#model, this.#thinking);
  }
}
