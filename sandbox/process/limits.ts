/** Budgets of one package. They bound what a hostile guest costs the agent; no ordinary extension meets them. */

/** Heap of the isolate. What V8 does not count (buffers, wasm) is bounded by {@link MAX_RSS_MIB}. */
export const GUEST_MEMORY_MIB = 128;
/** Resident memory of the process, looked at while it works. */
export const MAX_RSS_MIB = 512;
/**
 * Writable memory of the process, refused by the kernel beyond. The address space that V8 reserves does not count, but where
 * it compiles: half a GiB for the code of each of the two isolates in there.
 */
export const MAX_DATA_KIB = { jitless: 1_024 * 1_024, wasm: 1_536 * 1_024 } as const;
/** Pages of 64 KiB of one memory of WebAssembly, which the isolate's limit does not count. */
export const MAX_WASM_MEMORY_PAGES = 4_096;
/** Descriptors of the process. */
export const MAX_OPEN_FILES = 128;
/** Characters of one line from the guest: a larger result or write is refused. */
export const MAX_GUEST_LINE = 8 * 1024 * 1024;
export const FLOOD_LINES_PER_SECOND = 20_000;
export const MAX_TIMERS = 5_000;
/** Requests of one guest waiting for an answer. */
export const MAX_PENDING_REQUESTS = 1_000;
export const MAX_SUBSCRIPTIONS = 100;
/** Tools that a package may register after it was loaded, and what one of them may say of itself. */
export const MAX_LATE_TOOLS = 128;
export const MAX_LATE_TOOL_CHARACTERS = 65_536;
/** Names under which one package was ever seen to do so. */
export const MAX_PINNED_TOOLS = 1_024;
/** Characters of log kept per run of a package. */
export const MAX_LOG_CHARACTERS = 1_000_000;
/** What a package may keep in `data:/` and `tmp:/` together. */
export const MAX_PRIVATE_BYTES = 256 * 1024 * 1024;
/** A synchronous stretch of guest code without a call to answer for it. */
export const STUCK_AFTER_MS = 5_000;
/** A guest's work is told when it was this much of a processor. */
export const TELL_WORK_MS = 100;
/** Between asking a guest to stop and killing its process. */
export const KILL_GRACE_MS = 500;
/** Without a call, a timer or a subscription for so long, a package's process is ended; its next call starts one. */
export const IDLE_BEFORE_REST_MS = 30 * 60_000;
/** A process that keeps more than this resident is ended sooner: what it holds is likely a leak. */
export const RECYCLE_RSS_MIB = 256;
export const IDLE_BEFORE_RECYCLING_MS = 60_000;
/** Deaths of a package's process after which it is not started again. */
export const MAX_STRIKES = 3;
export const DEFAULT_TOOL_TIMEOUT_MS = 120_000;
export const DEFAULT_EVENT_TIMEOUT_MS = 30_000;
/** Activation includes the factories' own awaits. */
export const ACTIVATION_TIMEOUT_MS = 10_000;
