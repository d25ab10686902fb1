/**
 * A directory that is renamed takes along what is put into it meanwhile, under names that were never decided on:
 * `x/workflows` would arrive as `.github/workflows`. So nothing is changed anywhere between the look into a directory
 * and its renaming. One lock for all packages: what one may write, another may too.
 */
let renaming: Promise<unknown> | undefined;
const changes = new Set<Promise<unknown>>();

/** Runs one change; any number at a time, none while something is renamed. Must not be nested. */
export async function changing<T>(action: () => Promise<T>): Promise<T> {
  while (renaming !== undefined) await renaming;
  return noted(action());
}

/** Runs `action` when no change is under way, and holds back all others until it has ended. Must not be nested. */
export async function renamingAlone<T>(action: () => Promise<T>): Promise<T> {
  while (renaming !== undefined) await renaming;
  const begun = Promise.allSettled(changes).then(action);
  const ended = begun.then(forget, forget);
  renaming = ended;
  return begun;

  function forget(): void {
    renaming = undefined;
  }
}

async function noted<T>(change: Promise<T>): Promise<T> {
  changes.add(change);
  try {
    return await change;
  } finally {
    changes.delete(change);
  }
}
