import { dirname } from 'node:path';
import type { Diagnostic } from '../../format/index.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import { buildContext, orphanedCalls, type SessionContext, settingsOf } from './context.ts';
import type { EntryDraft, SessionEntry } from './entry.ts';
import { recordOf } from './entry-record.ts';
import type { Origin } from './origins.ts';
import { newHeader, newSessionPath, readSession, sessionDirectory } from './session-file.ts';
import { openWriter, type SessionWriter } from './session-writer.ts';
import { SessionTree } from './session-tree.ts';

/** A conversation that is written down as it happens, or only held in memory. */
export class Session implements Disposable {
  readonly tree: SessionTree;
  readonly #diagnostics: () => readonly Diagnostic[];
  readonly #writer: SessionWriter | undefined;

  private constructor(tree: SessionTree, writer: SessionWriter | undefined, diagnostics: () => readonly Diagnostic[]) {
    this.tree = tree;
    this.#writer = writer;
    this.#diagnostics = diagnostics;
  }

  /** A conversation that leaves no file. */
  static inMemory(cwd: string, entries: readonly SessionEntry[] = []): Session {
    return new Session(new SessionTree(newHeader(cwd), entries.map(recordOf)), undefined, () => []);
  }

  /** Starts a file for `cwd`; `entries` are carried over from `parentSession` by a fork. @throws {DashError} DISK_ERROR */
  static create(
    dashHome: string,
    cwd: string,
    { parentSession, entries = [] }: { readonly parentSession?: string; readonly entries?: readonly SessionEntry[] } = {},
  ): Session {
    const header = newHeader(cwd, parentSession);
    const path = newSessionPath(sessionDirectory(dashHome, cwd), header);
    const writer = openWriter(path, { header, records: [], repair: undefined }, true);
    for (const entry of entries) writer.append(entry);
    return new Session(new SessionTree(header, entries.map(recordOf)), writer, () => []);
  }

  /** Opens a file of ours or of pi's, and closes the calls a crash left open. @throws {DashError} SESSION_CORRUPT, DISK_ERROR */
  static async open(path: string): Promise<Session> {
    const contents = await readSession(path);
    const session = new Session(new SessionTree(contents.header, contents.records), openWriter(path, contents, false), () => contents.diagnostics);
    session.closeOpenCalls();
    session.sync();
    return session;
  }

  /** What is damaged in the file, as far as it has been read. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics();
  }

  get id(): string {
    return this.tree.header.id;
  }

  get file(): string | undefined {
    return this.#writer?.path;
  }

  get directory(): string {
    return this.#writer === undefined ? '' : dirname(this.#writer.path);
  }

  append(draft: EntryDraft): SessionEntry {
    const before = this.tree.leafId;
    const entry = this.tree.append(draft);
    try {
      this.#writer?.append(entry);
    } catch (error) {
      // what is not in the file was never said: the next entry must not hang on it
      this.tree.takeBack(before);
      throw error;
    }
    return entry;
  }

  /** Writes a message where its kind belongs: what packages say is an entry of its own kind. `whose` says whose word it is. */
  appendMessage(message: AgentMessage, whose: readonly Origin[] = []): SessionEntry {
    const origins = whose.length === 0 ? {} : { origins: whose };
    if (message.role !== 'custom') return this.append({ type: 'message', message, ...origins });
    const { customType, content, display, details, package: owner } = message;
    const more = { ...(details === undefined ? {} : { details }), ...(owner === undefined ? {} : { package: owner }) };
    return this.append({ type: 'custom_message', customType, content, display, ...more, ...origins });
  }

  /** Answers the calls at the leaf that nobody answered: after a crash, a full disk, or a jump to the middle of a turn. */
  closeOpenCalls(): void {
    for (const message of orphanedCalls(this.tree.backwards())) this.append({ type: 'message', message });
  }

  /** Model and thinking level, without reading what was said. */
  settings(): Pick<SessionContext, 'thinkingLevel' | 'model'> {
    return settingsOf(this.tree.path());
  }

  context(): SessionContext {
    return buildContext(this.tree.path());
  }

  /** To be called when a turn ends: from here on a power cut loses nothing of it. */
  sync(): void {
    this.#writer?.sync();
  }

  [Symbol.dispose](): void {
    this.#writer?.sync();
    this.#writer?.[Symbol.dispose]();
  }
}

/** Reads a session without changing its file, however it is damaged. @throws {DashError} SESSION_CORRUPT when it has no header */
export async function openSession(path: string): Promise<{ readonly tree: SessionTree; readonly diagnostics: readonly Diagnostic[] }> {
  const contents = await readSession(path);
  // read to its end: who looks at a session wants to know all that is wrong with it
  const { header, entries, diagnostics } = contents;
  return { tree: new SessionTree(header, entries.map(recordOf)), diagnostics };
}
