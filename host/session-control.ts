import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../format/index.ts';
import type { SessionControl, SessionDraft } from '../sandbox/index.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { EventBus } from './bus/event-bus.ts';
import { textOf } from './model/messages.ts';
import type { JsonValue } from './model/messages.ts';
import { type SessionEntry, toLine } from './session/entry.ts';
import { Session } from './session/session.ts';
import { writeBeginning } from './session/session-beginning.ts';
import { isWithin, realPath } from './tools/workspace-path.ts';
import type { UserInterface } from './user-interface.ts';

export interface SessionControlOptions {
  readonly conversation: Conversation;
  readonly bus: EventBus;
  readonly dashHome: string;
  readonly cwd: string;
  readonly ui: () => UserInterface;
  readonly reload: () => Promise<unknown>;
  readonly shutdown: () => void;
  /** A package with its version, as an entry keeps whose word it is. */
  readonly versioned: (packageName: string) => string;
  /** What is shown begins anew. */
  readonly changed: (reason: 'new' | 'resume' | 'fork' | 'tree') => void;
}

export interface NavigateOptions {
  readonly summarize?: boolean;
  /** What the summary should mind. */
  readonly instructions?: string;
  /** They are all that it should mind. */
  readonly replaceInstructions?: boolean;
  /** For the summary, or else for the place that is gone to. */
  readonly label?: string;
}

export interface Cancellable {
  readonly cancelled: boolean;
}

/** What can be done with the session as a whole: another one, an earlier place, a copy. Packages may cancel each. */
export interface SessionSwitch {
  /** Begins an empty one; `parentSession` is noted in it. */
  newSession(parentSession?: string): Promise<Cancellable>;
  /** Continues in another file. @throws {DashError} SESSION_CORRUPT */
  open(path: string): Promise<Cancellable>;
  /** Begins a file with the branch before a message of the user's, whose text comes back; `at` keeps the whole branch. */
  fork(entryId: string, position: 'before' | 'at'): Promise<Cancellable & { readonly text: string }>;
  /** Goes to another place of this session's tree; what was said on the way that is left can be summed up there. */
  navigate(targetId: string, options?: NavigateOptions): Promise<Cancellable>;
  /** The same for packages, with what only the user may do left out. */
  control(packageName: string, control: SessionControl): Promise<unknown>;
}

/** Makes the switch. */
export function createSessionSwitch({ conversation, bus, dashHome, cwd, ui, reload, shutdown, versioned, changed }: SessionControlOptions): SessionSwitch {
  const replace = async (reason: 'new' | 'resume' | 'fork', make: () => Promise<Session> | Session): Promise<void> => {
    await conversation.abort();
    const previousSessionFile = conversation.session.file;
    const session = await make();
    await bus.notify({ type: 'session_shutdown', reason, targetSessionFile: session.file });
    conversation.replaceSession(session);
    changed(reason);
    await bus.notify({ type: 'session_start', reason, previousSessionFile });
  };
  const create = (entries: readonly SessionEntry[], parentSession: string | undefined): Session =>
    conversation.session.file === undefined
      ? Session.inMemory(cwd, entries)
      : Session.create(dashHome, cwd, { entries, ...(parentSession === undefined ? {} : { parentSession }) });

  const newSession = async (parentSession?: string, begin: (session: Session) => void = () => undefined): Promise<Cancellable> => {
    const { cancelled } = await bus.before({ type: 'session_before_switch', reason: 'new' });
    if (cancelled) return { cancelled };
    await replace('new', () => {
      const session = create([], parentSession);
      begin(session);
      return session;
    });
    return { cancelled };
  };
  /** Tried first where nothing is kept: what cannot be written must not end a run, or leave half a session. */
  const beginBy = (packageName: string, setup: readonly SessionDraft[] = []): ((session: Session) => void) => {
    const write = (session: Session): void => writeBeginning(session, setup, { package: packageName, origin: `package:${versioned(packageName)}` });
    write(Session.inMemory(cwd));
    return write;
  };
  const open = async (path: string): Promise<Cancellable> => {
    const { cancelled } = await bus.before({ type: 'session_before_switch', reason: 'resume', targetSessionFile: path });
    if (!cancelled) await replace('resume', () => Session.open(path));
    return { cancelled };
  };
  const fork = async (entryId: string, position: 'before' | 'at'): Promise<Cancellable & { readonly text: string }> => {
    const { tree, file } = conversation.session;
    const entry = tree.entry(entryId);
    if (entry === undefined) throw new Error(`there is no entry \`${entryId}\``);
    const text = userTextOf(entry);
    if (position === 'before' && text === undefined) throw new Error(`the entry \`${entryId}\` is not a message of the user's`);
    const { cancelled } = await bus.before({ type: 'session_before_fork', entryId, position });
    if (!cancelled) await replace('fork', () => create(tree.branch(position === 'at' ? entryId : entry.parentId), file));
    return { cancelled, text: text ?? '' };
  };
  const navigate = async (targetId: string, { summarize = false, instructions, replaceInstructions, label }: NavigateOptions = {}): Promise<Cancellable> => {
    await conversation.abort();
    const { tree } = conversation.session;
    const target = tree.entry(targetId);
    if (target === undefined) throw new Error(`there is no entry \`${targetId}\``);
    const oldLeafId = tree.leafId;
    const { commonAncestorId, left } = leftBehind(tree.branch(), tree.branch(targetId));
    const {
      cancelled,
      value,
      by = '',
    } = await bus.before({
      type: 'session_before_tree',
      preparation: {
        targetId,
        oldLeafId,
        commonAncestorId,
        entriesToSummarize: left.map(toLine),
        userWantsSummary: summarize,
        ...(instructions === undefined ? {} : { customInstructions: instructions }),
        ...(replaceInstructions === undefined ? {} : { replaceInstructions }),
        ...(label === undefined ? {} : { label }),
      },
    });
    if (cancelled) return { cancelled };
    const said = Value.Check(TreeAnswer, value) ? value : {};
    const mind = said.customInstructions ?? instructions;
    const isAll = said.replaceInstructions ?? replaceInstructions ?? false;
    const summary = summarize ? (said.summary ?? (await conversation.summarizeBranch(left, mind, isAll))) : undefined;
    if (summarize && summary === undefined) return { cancelled: true };
    // Going to something the user said means saying it again: before it, with its text at hand.
    const text = userTextOf(target) ?? (target.type === 'custom_message' ? textOf(target.content) : undefined);
    tree.moveTo(text === undefined ? targetId : target.parentId);
    const fromExtension = said.summary !== undefined;
    const summaryEntry =
      summary === undefined
        ? undefined
        : conversation.session.append({
            type: 'branch_summary',
            fromId: oldLeafId ?? 'root',
            ...summary,
            ...(fromExtension ? { fromHook: true, origins: [`package:${by}`, ...conversation.origins] } : {}),
          });
    changed('tree');
    const named = said.label ?? label;
    if (named !== undefined && named !== '') conversation.session.append({ type: 'label', targetId: summaryEntry?.id ?? targetId, label: named });
    if (text !== undefined) ui().set({ kind: 'editorText', text, paste: false });
    void bus.notify({
      type: 'session_tree',
      newLeafId: tree.leafId,
      oldLeafId,
      ...(summaryEntry === undefined ? {} : { summaryEntry: toLine(summaryEntry), fromExtension }),
    });
    return { cancelled };
  };

  return {
    newSession: (parentSession) => newSession(parentSession),
    open,
    fork,
    navigate,
    async control(packageName, control) {
      switch (control.kind) {
        case 'abort':
          // Not awaited: a tool that aborts its own run would wait for itself.
          void conversation.abort();
          return undefined;
        case 'shutdown':
          return shutdown();
        case 'waitForIdle':
          return conversation.waitForIdle();
        case 'reload':
          await reload();
          return undefined;
        case 'newSession':
          return newSession(control.parentSession, beginBy(packageName, control.setup));
        case 'fork': {
          const { cancelled } = await fork(control.entryId, control.position ?? 'before');
          return { cancelled };
        }
        case 'navigateTree':
          return navigate(control.targetId, {
            summarize: control.summarize,
            ...(control.customInstructions === undefined ? {} : { instructions: control.customInstructions }),
            ...(control.replaceInstructions === undefined ? {} : { replaceInstructions: control.replaceInstructions }),
            ...(control.label === undefined ? {} : { label: control.label }),
          });
        case 'switchSession':
          // A session that is opened is appended to: a package may not have that done to any file.
          if (!isWithin(realPath(join(dashHome, 'sessions')), realPath(control.path)))
            throw new DashError('PERMISSION_DENIED', `\`${control.path}\` is not one of the sessions of this user`);
          return open(control.path);
        case 'compact':
          return conversation.compact(control.customInstructions);
      }
    },
  };
}

/** What a package may say about a way through the tree: a summary of its own, or what ours should mind. */
const TreeAnswer = Type.Object({
  summary: Type.Optional(Type.Object({ summary: Type.String({ minLength: 1 }), details: Type.Optional(Type.Unsafe<JsonValue>(Type.Unknown())) })),
  customInstructions: Type.Optional(Type.String()),
  replaceInstructions: Type.Optional(Type.Boolean()),
  label: Type.Optional(Type.String({ maxLength: 1000 })),
});

/** What is on `from` and not on `to`, and where the two part. */
function leftBehind(from: readonly SessionEntry[], to: readonly SessionEntry[]): { commonAncestorId: string | null; left: readonly SessionEntry[] } {
  const there = new Set(to.map(({ id }) => id));
  const common = from.findLastIndex(({ id }) => there.has(id));
  return { commonAncestorId: from[common]?.id ?? null, left: from.slice(common + 1) };
}

function userTextOf(entry: SessionEntry): string | undefined {
  return entry.type === 'message' && entry.message.role === 'user' ? textOf(entry.message.content) : undefined;
}
