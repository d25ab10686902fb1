import { inspecting, type InspectOptions } from '../builtins/util/inspect.ts';
import type { GuestLink } from '../link.ts';

/** Most lines are one text, for which nothing has to be loaded. */
const format = (...args: unknown[]): string => (args.length === 1 && typeof args[0] === 'string' ? args[0] : inspecting().format(...args));
const inspect = (value: unknown, options?: InspectOptions): string => inspecting().inspect(value, options);

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Makes the console: every line goes to the package's log. */
export function createConsole(link: Pick<GuestLink, 'log'>) {
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  let indent = '';
  const write = (level: Level, text: string) => link.log(level, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`));
  const at =
    (level: Level) =>
    (...args: unknown[]) =>
      write(level, format(...args));
  const elapsed = (label: string, args: readonly unknown[]) => {
    const started = timers.get(label);
    if (started === undefined) write('warn', `No such label '${label}' for console.timeLog()`);
    else write('info', [`${label}: ${Date.now() - started}ms`, ...args.map((arg) => format(arg))].join(' '));
  };
  const group = (...label: unknown[]) => {
    if (label.length > 0) write('info', format(...label));
    indent += '  ';
  };
  return {
    log: at('info'),
    info: at('info'),
    debug: at('debug'),
    warn: at('warn'),
    error: at('error'),
    dir: (value: unknown, options?: InspectOptions) => write('info', inspect(value, { ...options, customInspect: false })),
    dirxml: at('info'),
    trace(...args: unknown[]) {
      const stack = String(new Error().stack).split('\n').slice(2).join('\n');
      write('error', `Trace: ${format(...args)}\n${stack}`);
    },
    assert(condition: unknown, ...args: unknown[]) {
      if (!condition) write('error', args.length === 0 ? 'Assertion failed' : `Assertion failed: ${format(...args)}`);
    },
    count(label: string = 'default') {
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      write('info', `${label}: ${count}`);
    },
    countReset: (label: string = 'default') => void counts.delete(label),
    group,
    groupCollapsed: group,
    groupEnd() {
      indent = indent.slice(2);
    },
    // there is no terminal that could be emptied
    clear: () => undefined,
    table: (data: unknown, columns?: readonly string[]) => write('info', drawTable(data, columns)),
    time: (label: string = 'default') => void timers.set(label, Date.now()),
    timeLog: (label: string = 'default', ...args: unknown[]) => elapsed(label, args),
    timeEnd(label: string = 'default') {
      elapsed(label, []);
      timers.delete(label);
    },
  };
}

function drawTable(data: unknown, only: readonly string[] | undefined): string {
  if (typeof data !== 'object' || data === null) return inspect(data);
  const rows = Object.entries(data);
  const columns = new Set<string>(only);
  if (only === undefined) for (const [, row] of rows) if (isRow(row)) for (const key of Object.keys(row)) columns.add(key);
  const hasValues = rows.some(([, row]) => !isRow(row));
  const header = ['(index)', ...columns, ...(hasValues ? ['Values'] : [])];
  const cell = (value: unknown) => inspect(value, { depth: 0, breakLength: Infinity });
  const lines = rows.map(([index, row]) => [
    index,
    ...[...columns].map((column) => (isRow(row) && column in row ? cell(row[column]) : '')),
    ...(hasValues ? [isRow(row) ? '' : cell(row)] : []),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)) + 2);
  const draw = (cells: readonly string[]) => `│${cells.map((text, column) => ` ${text}`.padEnd(widths[column] ?? 0)).join('│')}│`;
  const rule = (left: string, middle: string, right: string) => left + widths.map((width) => '─'.repeat(width)).join(middle) + right;
  return [rule('┌', '┬', '┐'), draw(header), rule('├', '┼', '┤'), ...lines.map(draw), rule('└', '┴', '┘')].join('\n');
}

function isRow(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
