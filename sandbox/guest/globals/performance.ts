/** A clock of whole milliseconds: a finer one would help code to time its neighbours. */
export function createPerformance() {
  const timeOrigin = Date.now();
  const entries: { name: string; entryType: string; startTime: number; duration: number; detail?: unknown }[] = [];
  const now = () => Date.now() - timeOrigin;
  const startOf = (mark: string | number | undefined, otherwise: number) => {
    if (typeof mark === 'number') return mark;
    if (mark === undefined) return otherwise;
    const found = entries.findLast((entry) => entry.entryType === 'mark' && entry.name === mark);
    if (found === undefined) throw new DOMException(`The "${mark}" performance mark has not been set`, 'SyntaxError');
    return found.startTime;
  };
  const add = (name: string, entryType: string, startTime: number, duration: number, detail: unknown = null) => {
    const entry = { name, entryType, startTime, duration, detail };
    entries.push(entry);
    // A loop that marks for ever must not eat the heap.
    if (entries.length > 1000) entries.shift();
    return entry;
  };
  const drop = (entryType: string, name?: string) => {
    for (let index = entries.length - 1; index >= 0; index--) {
      const entry = entries[index];
      if (entry?.entryType === entryType && (name === undefined || entry.name === name)) entries.splice(index, 1);
    }
  };
  return {
    now,
    timeOrigin,
    mark: (name: string, options: { startTime?: number; detail?: unknown } = {}) => add(name, 'mark', options.startTime ?? now(), 0, options.detail),
    measure(name: string, from?: string | { start?: string | number; end?: string | number; duration?: number; detail?: unknown }, to?: string) {
      const options = typeof from === 'object' ? from : { start: from, end: to };
      const start = startOf(options.start, 0);
      const end = typeof from === 'object' && from.duration !== undefined ? start + from.duration : startOf(options.end, now());
      return add(name, 'measure', start, end - start, typeof from === 'object' ? from.detail : undefined);
    },
    getEntries: () => [...entries],
    getEntriesByName: (name: string, type?: string) => entries.filter((entry) => entry.name === name && (type === undefined || entry.entryType === type)),
    getEntriesByType: (type: string) => entries.filter((entry) => entry.entryType === type),
    clearMarks: (name?: string) => drop('mark', name),
    clearMeasures: (name?: string) => drop('measure', name),
    timerify: <F extends Function>(timed: F): F => timed,
    toJSON: () => ({ timeOrigin }),
  };
}
