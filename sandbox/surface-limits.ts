/** Bounds of what a package draws; the guest's runtime holds them, and the broker's schemas do. */

/** No screen shows more; a frame beyond is refused, not cut, so that its author hears of it. */
export const MAX_FRAME_LINES = 2_000;
export const MAX_LINE_CHARACTERS = 32_768;
export const MAX_FRAME_CHARACTERS = 1_000_000;
/** Panels, widgets and listeners of one package. */
export const MAX_SURFACES = 32;
/** Frames that a surface may have drawn in one second; a component that follows the screen draws sixty. */
export const MAX_FRAMES_PER_SECOND = 200;
/** Keys that wait for a component; what is typed beyond is lost. */
export const MAX_WAITING_KEYS = 256;
/** A component that holds a key, or a frame that was asked for, longer than this is ended with its process. */
export const SURFACE_DEADLINE_MS = 2_000;
/** What a listener to all keys may cost each of them; then the key goes on without it. */
export const INTERCEPT_WAIT_MS = 100;
