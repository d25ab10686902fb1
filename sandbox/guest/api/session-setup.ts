import type { SessionDraft } from '../../ports.ts';
import type { GuestLink } from '../link.ts';
import { unsupported } from './unsupported.ts';

/** What pi hands to `setup` of `newSession`: a manager of the session that is about to begin. */
export type Setup = (manager: object) => unknown;

/**
 * Has a package write the beginning of a session. It is only noted here: the session is made with it, once nobody has
 * cancelled it, and the host says whose words these are.
 */
export async function recordSetup(setup: Setup, link: GuestLink): Promise<readonly SessionDraft[]> {
  const drafts: SessionDraft[] = [];
  const note = (draft: SessionDraft): string => {
    // what cannot be sent fails where the author sees it
    drafts.push(JSON.parse(JSON.stringify(draft)) as SessionDraft);
    return draft.id;
  };
  const nextId = (): string => `setup-${drafts.length + 1}`;
  const entries = (): object[] => drafts.map(({ kind, ...rest }, index) => ({ type: kind, parentId: drafts[index - 1]?.id ?? null, ...rest }));
  const manager: Readonly<Record<string, unknown>> = {
    appendMessage(message: { role: string; content: unknown; customType?: string; display?: boolean; details?: unknown }) {
      const { role, content, customType = '', display = true, details } = message;
      if (role === 'custom') return note({ kind: 'custom_message', id: nextId(), customType, content, display, details });
      if (role === 'user' || role === 'assistant') return note({ kind: 'message', id: nextId(), message: { role, content } });
      throw unsupported(
        `appendMessage of a \`${role}\` in setup`,
        'only what a user, an assistant or the package itself says can be written; what a tool answered is not',
      );
    },
    appendCustomMessageEntry: (customType: string, content: unknown, display = true, details?: unknown) =>
      note({ kind: 'custom_message', id: nextId(), customType, content, display, details }),
    appendCustomEntry: (customType: string, data?: unknown) => note({ kind: 'custom', id: nextId(), customType, data }),
    appendSessionInfo: (name: string) => note({ kind: 'session_info', id: nextId(), name }),
    appendLabelChange: (targetId: string, label?: string) => note({ kind: 'label', id: nextId(), targetId, label }),
    getEntries: entries,
    getBranch: entries,
    getEntry: (id: string) => entries()[drafts.findIndex((draft) => draft.id === id)],
    getLeafId: () => drafts.at(-1)?.id ?? null,
    getLeafEntry: () => entries().at(-1),
    getSessionName: () => drafts.flatMap((draft) => (draft.kind === 'session_info' ? [draft.name] : [])).at(-1),
    getCwd: () => link.facts.cwd,
  };
  await setup(
    new Proxy(manager, {
      get(target, member) {
        if (typeof member === 'symbol' || member === 'then' || Object.hasOwn(target, member)) return Reflect.get(target, member);
        return () => {
          throw unsupported(`${member} in setup`, 'do it in `withSession`, with the context of the session that has begun');
        };
      },
    }),
  );
  return drafts;
}
