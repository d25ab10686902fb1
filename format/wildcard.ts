/**
 * Tells whether every sequence that `input` stands for is matched by `pattern`.
 *
 * A star of `pattern` takes any run of elements; any other element takes one that `fits`. Stars inside `input` are
 * elements like all others, so only a star can take them: that makes the relation inclusion, not mere matching.
 * Runs in O(n·m): a pattern written by an attacker cannot make it backtrack.
 */
export function covers<T>(pattern: readonly T[], input: readonly T[], isStar: (element: T) => boolean, fits: (pattern: T, element: T) => boolean): boolean {
  let p = 0;
  let i = 0;
  let star = -1;
  let resume = 0;
  while (i < input.length) {
    const wanted = pattern[p];
    const element = input[i] as T;
    if (p < pattern.length && isStar(wanted as T)) {
      star = p;
      p += 1;
      resume = i;
    } else if (p < pattern.length && fits(wanted as T, element)) {
      p += 1;
      i += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      i = resume;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every(isStar);
}

/** Tells whether some sequence is matched by both patterns. */
export function overlaps<T>(a: readonly T[], b: readonly T[], isStar: (element: T) => boolean, fits: (a: T, b: T) => boolean): boolean {
  // reachable[j]: the first i elements of `a` and the first j of `b` can stand for one and the same sequence
  let reachable = new Array<boolean>(b.length + 1).fill(false);
  reachable[0] = true;
  for (let i = 0; i <= a.length; i += 1) {
    const here = a[i];
    const next = new Array<boolean>(b.length + 1).fill(false);
    for (let j = 0; j <= b.length; j += 1) {
      if (!reachable[j]) continue;
      const there = b[j];
      const starHere = i < a.length && isStar(here as T);
      const starThere = j < b.length && isStar(there as T);
      if (starHere || starThere) {
        if (i < a.length) next[j] = true;
        if (j < b.length) reachable[j + 1] = true;
      } else if (i < a.length && j < b.length && fits(here as T, there as T)) {
        next[j + 1] = true;
      }
    }
    if (i === a.length) return reachable[b.length] === true;
    reachable = next;
  }
  return false;
}
