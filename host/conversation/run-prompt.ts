import type { EventBus } from '../bus/event-bus.ts';
import type { ImageContent, JsonObject } from '../model/messages.ts';
import { buildSystemPrompt, promptOptions, type SystemPromptParts, withOptions } from '../prompt/system-prompt.ts';
import type { CustomMessage } from '../loop/transcript.ts';

export interface RunPromptOptions {
  readonly bus: EventBus;
  /** The parts of the system prompt as they are now, for a run about `prompt`. */
  readonly promptParts: (prompt: string) => SystemPromptParts;
}

/** The system prompt of a run: made of its parts, unless a package has made it another for this run. */
export class RunPrompt {
  readonly #options: RunPromptOptions;
  #changed: string | undefined;
  /** What the run is about: the same skills are listed in all its turns. */
  #about = '';

  constructor(options: RunPromptOptions) {
    this.#options = options;
  }

  /** The one of the run, or the one the next run would begin with. */
  get text(): string {
    return this.#changed ?? buildSystemPrompt(this.#options.promptParts(this.#about));
  }

  /** Its parts, as packages see them. */
  get options(): JsonObject {
    return promptOptions(this.#options.promptParts(this.#about));
  }

  /** Lets packages have their say before a run. @returns what they want to be said after the prompt */
  async runBegins(prompt: string, images: readonly ImageContent[], shapedBy: (packageName: string) => void): Promise<readonly CustomMessage[]> {
    this.#about = prompt;
    const parts = this.#options.promptParts(prompt);
    const systemPrompt = buildSystemPrompt(parts);
    const systemPromptOptions = promptOptions(parts);
    const decision = await this.#options.bus.beforeAgentStart({ prompt, images, systemPrompt, systemPromptOptions }, shapedBy);
    if (decision.systemPrompt !== systemPrompt) this.#changed = decision.systemPrompt;
    else if (decision.systemPromptOptions !== systemPromptOptions) this.#changed = buildSystemPrompt(withOptions(parts, decision.systemPromptOptions));
    return decision.messages;
  }

  runEnded(): void {
    this.#changed = undefined;
  }
}
