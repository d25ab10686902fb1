/**
 * What one confined program sees and may do. A profile is a value: {@link bubblewrapArguments} says it to bubblewrap,
 * and the probe runs the same words on a canary.
 */
export interface Profile {
  /** In any order: a mount lies over those above it in the tree. What is not mounted does not exist. */
  readonly mounts: readonly Mount[];
  readonly cwd: string;
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly runAs: RunAs;
  readonly limits: Limits;
}

export type Mount =
  /** The directory or file `from` (its own place, if absent), read-only. */
  | { readonly kind: 'read'; readonly path: string; readonly from?: string }
  | { readonly kind: 'write'; readonly path: string; readonly from?: string }
  /** An empty directory in memory, gone with the program. */
  | { readonly kind: 'scratch'; readonly path: string; readonly sizeMiB: number }
  /** An empty directory that stays empty, so that a path leads somewhere. */
  | { readonly kind: 'empty'; readonly path: string }
  /** There is something, and it can be neither read nor written nor listed. */
  | { readonly kind: 'hidden-file'; readonly path: string }
  | { readonly kind: 'hidden-directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'text'; readonly path: string; readonly text: string };

/**
 * Whose rights the program has. An agent that runs as root must not hand them on: it enters the namespaces as root
 * and becomes `user` inside; everybody else keeps who they are, in a user namespace of the program's own.
 */
export type RunAs = { readonly kind: 'self' } | { readonly kind: 'user'; readonly uid: number; readonly gid: number };

export interface Limits {
  /** Data of one process; address space itself is no measure, runtimes reserve gigabytes of it. */
  readonly dataMiB: number;
  readonly fileMiB: number;
  readonly cpuSeconds: number;
  readonly openFiles: number;
}
