import { homedir } from 'node:os';
import type { Host } from '../../host.ts';
import type { HostEvent } from '../../host-event.ts';
import { contextUsage } from '../../session/context-usage.ts';
import type { Session } from '../../session/session.ts';
import { sessionStats } from '../../session/session-stats.ts';
import type { FooterFacts, Status } from './footer.ts';
import { gitBranch } from './git-branch.ts';

export interface StatusOptions {
  readonly host: Host;
  readonly profile: string | undefined;
  /** How much was denied; otherwise the host's events are counted. */
  readonly denials: (() => number) | undefined;
  /** Something that the footer says is another one. */
  readonly changed: () => void;
}

/** Keeps what the footer says. */
export interface StatusFacts {
  /** Texts of packages. */
  readonly statuses: Map<string, Status>;
  facts(): FooterFacts;
  follow(event: HostEvent): void;
}

/** Follows a host. What is dear to find out is found out when it may have changed, and not at every frame. */
export function followStatus({ host, profile, denials, changed }: StatusOptions): StatusFacts {
  const { conversation } = host;
  const statuses = new Map<string, Status>();
  let branch: string | undefined;
  let denied = 0;
  let cost: { readonly session: Session; readonly dollars: number } | undefined;
  let usage: ReturnType<typeof contextUsage>;

  const lookAtBranch = async (): Promise<void> => {
    const found = await gitBranch(host.cwd).catch(() => undefined);
    if (found === branch) return;
    branch = found;
    changed();
  };
  /** All of a session is read for it: once, and again when something was summed up. */
  const count = (): void => {
    const { session } = conversation;
    cost = { session, dollars: sessionStats(session.tree.entries).cost };
    usage = contextUsage(session.tree.path(), conversation.model);
    changed();
  };
  void lookAtBranch();
  setImmediate(count);

  return {
    statuses,
    facts: () => ({
      place: host.cwd === homedir() || host.cwd.startsWith(`${homedir()}/`) ? `~${host.cwd.slice(homedir().length)}` : host.cwd,
      branch,
      session: conversation.session.tree.name,
      model: conversation.model?.id,
      thinking: conversation.thinking ?? 'off',
      cost: cost?.dollars ?? 0,
      contextPercent: usage?.percent,
      contextWindow: conversation.model?.contextWindow,
      profile,
      denials: denials?.() ?? denied,
      statuses,
      troubles: host.generation.extensions.flatMap(troublesOf),
    }),
    follow(event) {
      if (event.type === 'permission_denied') denied += 1;
      if (event.type === 'message_end' && event.message.role === 'assistant') {
        if (cost?.session === conversation.session) cost = { ...cost, dollars: cost.dollars + event.message.usage.cost.total };
        usage = contextUsage(conversation.session.tree.path(), conversation.model);
      }
      if (event.type === 'session_changed' || event.type === 'compaction_end' || event.type === 'model_select') setImmediate(count);
      if (event.type === 'turn_end' || event.type === 'agent_settled' || event.type === 'bash_execution_update') void lookAtBranch();
      if (!DELTAS.has(event.type)) changed();
    },
  };
}

/** Events that come many times a second and change nothing here. */
const DELTAS: ReadonlySet<HostEvent['type']> = new Set(['message_update', 'tool_execution_update', 'bash_execution_update']);

type Extension = Host['generation']['extensions'][number];

/** What runs on its last good build, since when, and where the newer one is broken. */
function troublesOf({ pkg, failed, builtAt, diagnostics }: Extension): string[] {
  const error = diagnostics.find(({ severity }) => severity === 'error');
  if (error === undefined) return [];
  const where = error.where === undefined ? '' : ` in ${shortPath(error.where.path, pkg.dir)}${error.where.line === undefined ? '' : `:${error.where.line}`}`;
  return [failed ? `${pkg.name}: does not run, error${where}` : `${pkg.name}: running the last good build (${age(Date.now() - builtAt)} old), error${where}`];
}

function shortPath(path: string, directory: string): string {
  return path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path;
}

function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
