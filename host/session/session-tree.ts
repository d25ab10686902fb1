import { randomUUID } from 'node:crypto';
import type { EntryDraft, SessionEntry, SessionHeader } from './entry.ts';

/** A node of the tree with its label. */
export interface TreeNode {
  readonly entry: SessionEntry;
  readonly children: TreeNode[];
  readonly label?: string;
}

/**
 * The entries of a session as a tree, and where in it the conversation stands. Entries are only ever
 * added; going back means moving the leaf.
 */
export class SessionTree {
  readonly header: SessionHeader;
  readonly #entries: SessionEntry[];
  readonly #byId = new Map<string, SessionEntry>();
  #leafId: string | null;

  constructor(header: SessionHeader, entries: readonly SessionEntry[] = []) {
    this.header = header;
    this.#entries = [...entries];
    for (const entry of entries) this.#byId.set(entry.id, entry);
    this.#leafId = entries.at(-1)?.id ?? null;
  }

  get entries(): readonly SessionEntry[] {
    return this.#entries;
  }

  get leafId(): string | null {
    return this.#leafId;
  }

  get leaf(): SessionEntry | undefined {
    return this.#leafId === null ? undefined : this.#byId.get(this.#leafId);
  }

  entry(id: string): SessionEntry | undefined {
    return this.#byId.get(id);
  }

  children(id: string): readonly SessionEntry[] {
    return this.#entries.filter(({ parentId }) => parentId === id);
  }

  /** The path from the root to `fromId`, or to the leaf. */
  branch(fromId: string | null = this.#leafId): readonly SessionEntry[] {
    const path: SessionEntry[] = [];
    // A damaged file may contain a cycle; no entry is visited twice.
    const seen = new Set<string>();
    for (let entry = fromId === null ? undefined : this.#byId.get(fromId); entry !== undefined && !seen.has(entry.id);) {
      seen.add(entry.id);
      path.push(entry);
      entry = entry.parentId === null ? undefined : this.#byId.get(entry.parentId);
    }
    return path.reverse();
  }

  /** Adds a child of the leaf, which becomes the leaf. */
  append(draft: EntryDraft): SessionEntry {
    const entry: SessionEntry = { ...draft, id: this.#freshId(), parentId: this.#leafId, timestamp: new Date().toISOString() };
    this.#entries.push(entry);
    this.#byId.set(entry.id, entry);
    this.#leafId = entry.id;
    return entry;
  }

  /** Goes to an entry, or before the first one. Says whether there is such a place. */
  moveTo(id: string | null): boolean {
    if (id !== null && !this.#byId.has(id)) return false;
    this.#leafId = id;
    return true;
  }

  label(id: string): string | undefined {
    const latest = this.#entries.findLast((entry) => entry.type === 'label' && entry.targetId === id);
    return latest?.type === 'label' && latest.label !== '' ? latest.label : undefined;
  }

  get name(): string | undefined {
    const latest = this.#entries.findLast(({ type }) => type === 'session_info');
    const name = latest?.type === 'session_info' ? latest.name?.trim() : undefined;
    return name === '' ? undefined : name;
  }

  /** Every root with its descendants; entries whose parent is missing are roots as well. */
  roots(): readonly TreeNode[] {
    const nodes = new Map<string, TreeNode>();
    for (const entry of this.#entries) {
      const label = this.label(entry.id);
      nodes.set(entry.id, { entry, children: [], ...(label === undefined ? {} : { label }) });
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
