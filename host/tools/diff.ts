const CONTEXT = 3;
/** Above this many comparisons a difference is told as one piece: it is read by nobody. */
const MAX_CELLS = 4_000_000;

type Line = { readonly sign: ' ' | '-' | '+'; readonly text: string };

/** The difference of two texts as a unified diff without file names; empty where there is none. */
export function diffOf(before: string, after: string): string {
  const lines = compare(...linesOf(before, after));
  const shown: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  for (let at = 0; at < lines.length;) {
    const from = nextChange(lines, at);
    if (from === undefined) break;
    const start = Math.max(from - CONTEXT, at);
    const end = endOfHunk(lines, from);
    oldLine += start - at;
    newLine += start - at;
    const hunk = lines.slice(start, end);
    const oldCount = hunk.filter(({ sign }) => sign !== '+').length;
    const newCount = hunk.filter(({ sign }) => sign !== '-').length;
    shown.push(`@@ -${rangeOf(oldLine, oldCount)} +${rangeOf(newLine, newCount)} @@`, ...hunk.map(({ sign, text }) => sign + text));
    oldLine += oldCount;
    newLine += newCount;
    at = end;
  }
  return shown.join('\n');
}

/** The number of the first line, in `after`, that is not as it was. */
export function firstChangedLine(before: string, after: string): number {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return commonHead(old, now) + 1;
}

/** The last newline ends a line and begins none, unless only one of the two has it: then it is what differs. */
function linesOf(...texts: readonly [before: string, after: string]): [string[], string[]] {
  const isEnded = texts.every((text) => text === '' || text.endsWith('\n'));
  const split = (text: string): string[] => (text === '' ? [] : (isEnded ? text.slice(0, -1) : text).split('\n'));
  return [split(texts[0]), split(texts[1])];
}

/** No line at all stands after the one before it, as in every unified diff. */
function rangeOf(first: number, count: number): string {
  return `${count === 0 ? first - 1 : first},${count}`;
}

function nextChange(lines: readonly Line[], at: number): number | undefined {
  const found = lines.findIndex(({ sign }, index) => index >= at && sign !== ' ');
  return found < 0 ? undefined : found;
}

/** Changes whose contexts touch stand in one hunk. */
function endOfHunk(lines: readonly Line[], from: number): number {
  let last = from;
  for (let at = from; at < lines.length && at - last <= 2 * CONTEXT; at += 1) if (lines[at]?.sign !== ' ') last = at;
  return Math.min(last + CONTEXT + 1, lines.length);
}

function compare(old: readonly string[], now: readonly string[]): readonly Line[] {
  const head = commonHead(old, now);
  const tail = commonHead(old.slice(head).toReversed(), now.slice(head).toReversed());
  const same = (text: string): Line => ({ sign: ' ', text });
  const middle = compareMiddle(old.slice(head, old.length - tail), now.slice(head, now.length - tail));
  return [...old.slice(0, head).map(same), ...middle, ...old.slice(old.length - tail).map(same)];
}

function commonHead(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}

/** The longest common subsequence, by the table that tells its length from every place on. */
function compareMiddle(old: readonly string[], now: readonly string[]): readonly Line[] {
  const removed = (text: string): Line => ({ sign: '-', text });
  const added = (text: string): Line => ({ sign: '+', text });
  if (old.length * now.length > MAX_CELLS) return [...old.map(removed), ...now.map(added)];
  const width = now.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = now.length - 1; j >= 0; j -= 1) longest[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ sign: ' ', text: old[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= now.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) lines.push(removed(old[i++] ?? ''));
    else lines.push(added(now[j++] ?? ''));
  }
  return lines;
}
