import type { ModelInfo, ModelPort } from './port.ts';

/** The models there are now. Packages may bring some, and may say so at any moment. */
export interface ModelList {
  /** As they were when they were looked up last. */
  readonly all: readonly ModelInfo[];
  /** Looks them up again, after whatever look-up goes on. */
  refresh(): Promise<readonly ModelInfo[]>;
  /** Those there are once everything that was said so far has been taken up. */
  settled(): Promise<readonly ModelInfo[]>;
}

/** Makes the list, empty until it is refreshed. */
export function createModelList(port: ModelPort): ModelList {
  let all: readonly ModelInfo[] = [];
  let refreshing: Promise<unknown> = Promise.resolve();
  return {
    get all() {
      return all;
    },
    refresh() {
      const next = refreshing.then(async () => (all = await port.models()));
      refreshing = next.catch(() => undefined);
      return next;
    },
    async settled() {
      await refreshing;
      return all;
    },
  };
}
