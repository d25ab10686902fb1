/** What is going on, for whoever draws it. A listener is called synchronously and must not throw. */
export type Progress =
  | { readonly kind: 'waiting'; readonly holder: string | undefined }
  | { readonly kind: 'resolving'; readonly spec: string }
  | { readonly kind: 'resolved'; readonly spec: string; readonly name: string; readonly version: string }
  | { readonly kind: 'downloading'; readonly name: string; readonly version: string }
  /** So much of an archive is here; `total` when the registry says how much it is. */
  | { readonly kind: 'received'; readonly name: string; readonly version: string; readonly bytes: number; readonly total: number | undefined }
  | { readonly kind: 'downloaded'; readonly name: string; readonly version: string; readonly bytes: number }
  | { readonly kind: 'staged' | 'compiling' | 'capturing' | 'inspected'; readonly name: string; readonly version: string }
  | { readonly kind: 'consented' }
  | { readonly kind: 'commit'; readonly step: CommitStep };

/** The steps of a commit, each reported when it has happened. After `current` the new state is the state. */
export type CommitStep = 'stored' | 'generation' | 'journal' | 'current' | 'lockfile' | 'grants' | 'done';

export type ProgressListener = (progress: Progress) => void;
