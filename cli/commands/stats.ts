import type { Stats } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { parseDuration } from '../duration.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';

interface StatsFlags {
  readonly since?: string;
  readonly rebuild?: boolean;
}

export const define: DefineCommand = (command) => {
  command
    .option('--since <duration>', 'only what happened in this time, e.g. `7d`')
    .option('--rebuild', 'read sessions and audit logs anew first; how long things took is not in them');
  return async ({ home, stdout, stderr }) => {
    const flags = command.opts<StatsFlags>();
    const since = flags.since === undefined ? 0 : Date.now() - parseDuration('--since', flags.since);
    // the host's door would load models and modes
    const { readStats, rebuildEvents } = await import('../../host/index.ts');
    if (flags.rebuild === true) {
      const { unreadable } = await rebuildEvents(home);
      for (const path of unreadable) stderr.write(`warning: \`${path}\` cannot be read and is left out\n`);
    }
    const stats = await readStats(home, since);
    return { kind: 'document', document: stats, text: describe(stats, stdout.style) };
  };
};

function describe({ runs, failedRuns, sessions, cost, tokens, models, tools, denials }: Stats, style: Style): string {
  if (runs === 0 && models.length === 0 && denials.length === 0) return 'nothing happened yet\n';
  const failed = failedRuns === 0 ? '' : `, ${failedRuns} of them failed or aborted`;
  const cached = tokens.cacheRead === 0 ? '' : `, ${count(tokens.cacheRead)} from a cache`;
  const parts = [
    `${runs} ${runs === 1 ? 'run' : 'runs'} in ${sessions} ${sessions === 1 ? 'session' : 'sessions'}${failed}\n` +
      `${dollars(cost)}, ${count(tokens.input)} tokens in, ${count(tokens.output)} out${cached}\n`,
    table(style, 'models', ['model', 'calls', 'failed', 'in', 'out', 'cost', 'mean'], models, (model) => [
      oneLine(`${model.provider}/${model.model}`),
      String(model.calls),
      String(model.failed),
      count(model.input),
      count(model.output),
      dollars(model.cost),
      milliseconds(model.meanMs),
    ]),
    table(style, 'tools', ['tool', 'package', 'calls', 'errors', 'mean'], tools, (tool) => [
      oneLine(tool.name),
      oneLine(tool.package ?? ''),
      String(tool.calls),
      String(tool.errors),
      milliseconds(tool.meanMs),
    ]),
    table(style, 'denials', ['package', 'capability', 'times', 'by'], denials, (denial) => [
      oneLine(denial.package),
      oneLine(denial.capability),
      String(denial.count),
      oneLine(denial.rule ?? ''),
    ]),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function table<Row>(style: Style, title: string, heads: readonly string[], rows: readonly Row[], cells: (row: Row) => readonly string[]): string {
  if (rows.length === 0) return '';
  return `${style.strong(title)}\n${formatTable([heads.map((head) => style.dim(head)), ...rows.map(cells)])}`;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(amount > 0 && amount < 0.01 ? 4 : 2)}`;
}

function count(tokens: number): string {
  if (tokens < 10_000) return String(tokens);
  return tokens < 10_000_000 ? `${Math.round(tokens / 1_000)}k` : `${Math.round(tokens / 1_000_000)}M`;
}

function milliseconds(time: number | null): string {
  if (time === null) return '';
  return time < 1_000 ? `${Math.round(time)} ms` : `${(time / 1_000).toFixed(1)} s`;
}
