const lastOf = new Map<string, Promise<unknown>>();

/** Runs `action` after everything that was asked of the same file before: two edits in one answer must not lose each other. */
export async function inTurn<Result>(file: string, action: () => Promise<Result>): Promise<Result> {
  const before = lastOf.get(file) ?? Promise.resolve();
  const result = before.then(action, action);
  lastOf.set(file, result);
  try {
    return await result;
  } finally {
    if (lastOf.get(file) === result) lastOf.delete(file);
  }
}
