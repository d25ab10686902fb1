import type { Scene } from '../../surface.ts';
import type { GuestLink } from '../link.ts';
import { Theme } from './theme.ts';
import { unsupported } from './unsupported.ts';

/** pi's keybindings, as they come with the part that has its components. */
export interface KeysModule {
  createKeybindings(keys: Scene['keys']): unknown;
  setKittyKeys(active: boolean): void;
  isKeyRelease(data: string): boolean;
}

/** What a footer can know besides what `ctx` tells. */
interface FooterData {
  getGitBranch(): string | null;
  getExtensionStatuses(): ReadonlyMap<string, string>;
  getAvailableProviderCount(): number;
  onBranchChange(listener: () => void): () => void;
}

/** What this isolate knows of the screen: theme, keys, size. Asked for when something is first drawn, and told from then on. */
export class Stage {
  readonly #link: GuestLink;
  readonly #requireModule: (name: string) => unknown;
  readonly #branchListeners = new Set<() => void>();
  #scene: Scene | undefined;
  #keysOf: { readonly keys: Scene['keys']; readonly manager: unknown } | undefined;
  readonly theme = new Theme(() => this.#scene?.theme);

  constructor(link: GuestLink, requireModule: (name: string) => unknown) {
    this.#link = link;
    this.#requireModule = requireModule;
  }

  get scene(): Scene | undefined {
    return this.#scene;
  }

  get columns(): number {
    return this.#scene?.columns ?? this.#link.facts.columns;
  }

  get rows(): number {
    return this.#scene?.rows ?? 24;
  }

  /** The part with pi's components; absent in an isolate whose bundle names none of them. */
  get keysModule(): KeysModule | undefined {
    try {
      return this.#requireModule('dash:keys') as KeysModule;
    } catch {
      return undefined;
    }
  }

  /** Asks for the scene, unless it is this one already. `false` where nothing is drawn. */
  refresh(version?: number): boolean {
    if (this.#scene !== undefined && this.#scene.version === version) return true;
    try {
      this.change(this.#link.requestSync('ui.scene', {}) as Scene);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'NOT_DRAWN') throw error;
      return false;
    }
    return true;
  }

  /** Takes over a scene. Says whether the theme is another one: what was drawn in it must be drawn anew. */
  change(scene: Scene): boolean {
    const before = this.#scene;
    this.#scene = scene;
    if (before?.kittyKeys !== scene.kittyKeys) this.keysModule?.setKittyKeys(scene.kittyKeys);
    if (before !== undefined && before.branch !== scene.branch) for (const listener of this.#branchListeners) listener();
    return before !== undefined && JSON.stringify(before.theme) !== JSON.stringify(scene.theme);
  }

  /** The user's keys. Components of pi's find them by themselves, from the first time on. */
  get keybindings(): unknown {
    const keys = this.#scene?.keys ?? {};
    if (this.#keysOf?.keys !== keys) {
      const module = this.keysModule;
      this.#keysOf = { keys, manager: module === undefined ? KEYS_MISSING : module.createKeybindings(keys) };
    }
    return this.#keysOf.manager;
  }

  readonly footerData: FooterData = {
    getGitBranch: () => this.#scene?.branch ?? null,
    getExtensionStatuses: () => new Map(Object.entries(this.#scene?.statuses ?? {})),
    getAvailableProviderCount: () => this.#scene?.providers ?? 0,
    onBranchChange: (listener) => {
      this.#branchListeners.add(listener);
      return () => void this.#branchListeners.delete(listener);
    },
  };

  /** Styles for pi's editor. */
  get editorTheme(): object {
    const paint = (color: string) => (text: string) => this.theme.fg(color, text);
    const [accent, muted] = [paint('accent'), paint('muted')];
    return {
      borderColor: paint('borderMuted'),
      selectList: { selectedPrefix: accent, selectedText: accent, description: muted, scrollInfo: muted, noMatch: muted },
    };
  }
}

/** Which keys an action has is pi-tui's knowledge, and it is loaded where a bundle names it. */
const KEYS_MISSING = new Proxy(
  {},
  {
    get: (_target, member) => {
      if (typeof member === 'symbol' || member === 'then') return undefined;
      return () => {
        throw unsupported(`keybindings.${member}`, 'import something of `@earendil-works/pi-tui`, as `matchesKey`, in the extension');
      };
    },
  },
);
