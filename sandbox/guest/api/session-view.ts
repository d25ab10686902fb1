import type { GuestLink } from '../link.ts';

interface Projection {
  readonly thinkingLevel: string;
  readonly model: unknown;
  readonly entries: readonly { readonly sourceEntry: unknown; readonly messages: readonly unknown[] }[];
}

/** pi's ReadonlySessionManager: every read is a synchronous request, so it is never stale. Needs `session:read`. */
export function createSessionView(link: GuestLink): object {
  const query = (kind: string, params: object = {}): unknown => link.requestSync('session.query', { kind, ...params }) ?? undefined;
  const projection = (): Projection => query('projection') as Projection;
  return {
    getBranch: (fromId?: string) => query('branch', { fromId }) ?? [],
    getEntries: () => query('entries') ?? [],
    getEntry: (id: string) => query('entry', { id }),
    getChildren: (id: string) => query('children', { id }) ?? [],
    getTree: () => query('tree') ?? [],
    getLeafId: () => query('leafId') ?? null,
    getLeafEntry: () => query('leafEntry'),
    getLabel: (id: string) => query('label', { id }),
    getHeader: () => query('header') ?? null,
    getSessionId: () => query('sessionId') ?? '',
    getSessionFile: () => query('sessionFile'),
    getSessionDir: () => query('sessionDir') ?? '',
    getSessionName: () => query('sessionName'),
    getCwd: () => link.facts.cwd,
    isPersisted: () => query('persisted') === true,
    buildContextEntries: () => projection().entries.map(({ sourceEntry }) => sourceEntry),
    buildSessionProjection: () => {
      const { entries, ...settings } = projection();
      return { entries, messages: entries.flatMap(({ messages }) => messages), ...settings };
    },
    buildSessionContext: () => {
      const { entries, ...settings } = projection();
      return { messages: entries.flatMap(({ messages }) => messages), ...settings };
    },
  };
}
