import { AUTO } from '../model/auto.ts';
import type { ModelInfo, ThinkingLevel } from '../model/port.ts';
import type { Session } from './session.ts';

/** Writes down with which model and thinking level the conversation goes on, where the file says otherwise. */
export function noteSettings(session: Session, model: ModelInfo | undefined, thinking: ThinkingLevel | undefined): void {
  const noted = session.settings();
  const wanted = thinking ?? 'off';
  // `auto` is no model that another program could open the session with; the answers name those that it was.
  if (model !== undefined && model.provider !== AUTO && (noted.model?.provider !== model.provider || noted.model.modelId !== model.id)) {
    session.append({ type: 'model_change', provider: model.provider, modelId: model.id });
  }
  if (noted.thinkingLevel !== wanted) session.append({ type: 'thinking_level_change', thinkingLevel: wanted });
}
