import { randomUUID } from 'node:crypto';
import type { EntryDraft, SessionEntry, SessionHeader } from './entry.ts';
import { type EntryRecord, recordOf, type SessionPath } from './entry-record.ts';

/** A node of the tree with its label. */
export interface TreeNode {
  readonly entry: SessionEntry;
  readonly children: TreeNode[];
  readonly label?: string;
  /** When it was given that label. */
  readonly labelTimestamp?: string;
}

/**
 * The entries of a session as a tree, and where in it the conversation stands. Entries are only ever
 * added; going back means moving the leaf.
 */
export class SessionTree {
  readonly header: SessionHeader;
  readonly #records: EntryRecord[];
  readonly #byId = new Map<string, EntryRecord>();
  #leafId: string | null;

  constructor(header: SessionHeader, records: readonly EntryRecord[] = []) {
    this.header = header;
    this.#records = [...records];
    for (const record of records) this.#byId.set(record.id, record);
    this.#leafId = records.at(-1)?.id ?? null;
  }

  /** All of them, read. */
  get entries(): readonly SessionEntry[] {
    return this.#records.map((record) => record.load());
  }

  get leafId(): string | null {
    return this.#leafId;
  }

  get leaf(): SessionEntry | undefined {
    return this.#leafId === null ? undefined : this.entry(this.#leafId);
  }

  entry(id: string): SessionEntry | undefined {
    return this.#byId.get(id)?.load();
  }

  children(id: string): readonly SessionEntry[] {
    return this.#records.filter(({ parentId }) => parentId === id).map((record) => record.load());
  }

  /** From an entry, or from the leaf, to its root. */
  *backwards(fromId: string | null = this.#leafId): Generator<EntryRecord, void> {
    // A damaged file may contain a cycle; no entry is visited twice.
    const seen = new Set<string>();
    for (let record = fromId === null ? undefined : this.#byId.get(fromId); record !== undefined && !seen.has(record.id);) {
      seen.add(record.id);
      yield record;
      record = record.parentId === null ? undefined : this.#byId.get(record.parentId);
    }
  }

  /** The path from the root to `fromId`, or to the leaf. */
  path(fromId: string | null = this.#leafId): SessionPath {
    const path: EntryRecord[] = [];
    let record = fromId === null ? undefined : this.#byId.get(fromId);
    for (; record !== undefined && path.length <= this.#byId.size; record = record.parentId === null ? undefined : this.#byId.get(record.parentId))
      path.push(record);
    // longer than there are entries: a damaged file goes round
    return record === undefined ? path.reverse() : [...this.backwards(fromId)].reverse();
  }

  /** The entries of that path, read. */
  branch(fromId: string | null = this.#leafId): readonly SessionEntry[] {
    return this.path(fromId).map((record) => record.load());
  }

  /** Adds a child of the leaf, which becomes the leaf. */
  append(draft: EntryDraft): SessionEntry {
    const entry: SessionEntry = { ...draft, id: this.#freshId(), parentId: this.#leafId, timestamp: new Date().toISOString() };
    const record = recordOf(entry);
    this.#records.push(record);
    this.#byId.set(entry.id, record);
    this.#leafId = entry.id;
    return entry;
  }

  /** Takes the entry back that was appended last, and goes to where the leaf was before it. */
  takeBack(leafId: string | null): void {
    const last = this.#records.pop();
    if (last !== undefined) this.#byId.delete(last.id);
    this.#leafId = leafId;
  }

  /** Goes to an entry, or before the first one. Says whether there is such a place. */
  moveTo(id: string | null): boolean {
    if (id !== null && !this.#byId.has(id)) return false;
    this.#leafId = id;
    return true;
  }

  label(id: string): string | undefined {
    return this.#labels().get(id)?.label;
  }

  get name(): string | undefined {
    const latest = this.#records.findLast(({ kind }) => kind === 'session_info')?.load();
    const name = latest?.type === 'session_info' ? latest.name?.trim() : undefined;
    return name === '' ? undefined : name;
  }

  /** The last word on every label; nothing else is read for it. */
  #labels(): ReadonlyMap<string, { readonly label: string; readonly labelTimestamp: string }> {
    const labels = new Map<string, { readonly label: string; readonly labelTimestamp: string }>();
    for (const record of this.#records) {
      const entry = record.kind === 'label' ? record.load() : undefined;
      if (entry?.type !== 'label') continue;
      if (entry.label === undefined || entry.label === '') labels.delete(entry.targetId);
      else labels.set(entry.targetId, { label: entry.label, labelTimestamp: entry.timestamp });
    }
    return labels;
  }

  /** Every root with its descendants; entries whose parent is missing are roots as well. */
  roots(): readonly TreeNode[] {
    const nodes = new Map<string, TreeNode>();
    const labels = this.#labels();
    for (const entry of this.entries) {
      nodes.set(entry.id, { entry, children: [], ...labels.get(entry.id) });
    }
    const roots: TreeNode[] = [];
    for (const node of nodes.values()) {
      const parent = node.entry.parentId === null || node.entry.parentId === node.entry.id ? undefined : nodes.get(node.entry.parentId);
      (parent?.children ?? roots).push(node);
    }
    return roots;
  }

  #freshId(): string {
    for (;;) {
      const id = randomUUID().slice(0, 8);
      if (!this.#byId.has(id)) return id;
    }
  }
}
