import { AUTO } from '../model/auto.ts';
import { chooseModel } from '../model/choose-model.ts';
import type { ModelInfo } from '../model/port.ts';
import type { SessionContext } from './context.ts';
import { Session } from './session.ts';

/** Which session the host works in. */
export type SessionChoice =
  | { readonly kind: 'new' }
  | { readonly kind: 'memory' }
  /** `fork` goes on with a copy of what is there. */
  | { readonly kind: 'open' | 'fork'; readonly path: string };

/** Opens the session that was chosen. @throws {DashError} SESSION_CORRUPT */
export async function startSession(session: SessionChoice = { kind: 'new' }, dashHome: string, workspace: string): Promise<Session> {
  switch (session.kind) {
    case 'new':
      return Session.create(dashHome, workspace);
    case 'memory':
      return Session.inMemory(workspace);
    case 'open':
      return Session.open(session.path);
    case 'fork': {
      using from = await Session.open(session.path);
      return Session.create(dashHome, workspace, { entries: from.tree.branch(), parentSession: session.path });
    }
  }
}

/** What was asked for, else what the session used last, else the setting. Without any model the host still starts, and prompts say what is missing. */
export function startModel(
  models: readonly ModelInfo[],
  asked: string | undefined,
  last: SessionContext['model'],
  setting: string | undefined,
): ModelInfo | undefined {
  if (models.length === 0 && asked === undefined) return undefined;
  const used = models.find(({ provider, id }) => provider === last?.provider && id === last.modelId);
  return asked === undefined && used !== undefined && setting?.startsWith(AUTO) !== true ? used : chooseModel(models, asked ?? setting);
}
