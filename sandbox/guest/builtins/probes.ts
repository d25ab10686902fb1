/** Members of unsupported modules that ask a question which has an answer in a sandbox. */
export const probes: Readonly<Record<string, () => Record<string, unknown>>> = {
  net: () => {
    const isIPv4 = (text: unknown) => /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(String(text));
    return { isIPv4, isIPv6, isIP: (text: unknown) => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0) };
  },
  worker_threads: () => ({
    isMainThread: true,
    threadId: 0,
    parentPort: null,
    workerData: null,
    resourceLimits: {},
    isInternalThread: false,
    get MessageChannel() {
      return MessageChannel;
    },
    get MessagePort() {
      return MessagePort;
    },
    // there is no other thread that a value could be cloned to or handed to
    markAsUncloneable: () => undefined,
    markAsUntransferable: () => undefined,
    isMarkedAsUntransferable: () => false,
  }),
  cluster: () => ({ isMaster: true, isPrimary: true, isWorker: false, worker: undefined, workers: {}, settings: {} }),
  inspector: () => ({ url: () => undefined }),
  'inspector/promises': () => ({ url: () => undefined }),
  sea: () => ({ isSea: () => false }),
  v8: () => ({ startupSnapshot: { isBuildingSnapshot: () => false } }),
};

function isIPv6(given: unknown): boolean {
  const [text = '', zone] = String(given).split('%');
  if (zone === '') return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  let count = 0;
  const all = groups.flat();
  for (const [index, group] of all.entries()) {
    if (index === all.length - 1 && group.includes('.')) {
      if (!/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(group)) return false;
      count += 2;
    } else if (/^[\da-f]{1,4}$/i.test(group)) {
      count++;
    } else {
      return false;
    }
  }
  return halves.length === 2 ? count < 8 : count === 8;
}
