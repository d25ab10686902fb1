/**
 * What the guest runtime's own code uses to reach the parent. Captured in the closure of the bootstrap;
 * package code never sees it.
 */
export interface GuestLink {
  /** Asks the broker. Rejects with an `Error` that has `code` (`EACCES`, `ENOENT`, `PERMISSION_DENIED` …) and, for files, `errno`, `syscall`, `path`. */
  request(capability: string, params: unknown, signal?: AbortSignal): Promise<unknown>;
  /** The same, blocking this isolate's thread only. Throws instead of rejecting. */
  requestSync(capability: string, params: unknown): unknown;
  /** Work of the sandbox process itself (process/native-work.ts), which needs no decision: an order and bytes as latin1 text, the same back. */
  native(order: object, bytes: string): string;
  /** A request that answers many times (`fs.watch`, streamed bodies). `close` is idempotent. */
  subscribe(capability: string, params: unknown, listener: SubscriptionListener): { close(): void };
  /** Like setTimeout; `cancel` is idempotent. */
  startTimer(delayMs: number, fire: () => void): { cancel(): void };
  /** Says that somebody waits for events of other packages. */
  listens(): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void;
  readonly facts: GuestFactsView;
}

export interface SubscriptionListener {
  event(value: unknown): void;
  error(error: Error): void;
}

/** Mirrors `GuestFacts` of sandbox/extension.ts. */
export interface GuestFactsView {
  readonly cwd: string;
  readonly home: string;
  readonly tmp: string;
  readonly agentDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly arch: string;
  readonly columns: number;
}
