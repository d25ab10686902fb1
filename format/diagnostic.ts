import type { Where } from './dash-error.ts';

/** Something that is wrong but does not stop the work; collected and shown together. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info';
  /** Stable, upper case, e.g. `UNSUPPORTED_MODULE`. */
  readonly code: string;
  readonly message: string;
  readonly where?: Where;
}
