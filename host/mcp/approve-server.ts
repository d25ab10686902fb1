import { allows, type Effect, type Places } from '../../format/index.ts';
import type { Confinement } from '../../sandbox/index.ts';
import { type ApprovalMode, type ApprovalRules, isDeniedByRule } from '../approval/approval.ts';
import { describeServer, type McpServer, type NetworkServer, type ProgramServer } from './mcp-server.ts';
import type { AgreedServer } from './mcp-servers.ts';
import { effectOf, findRoute, type Route, warningsOf } from './network-route.ts';

/** May this server be started, or reached? */
export type ServerQuestion =
  | { readonly kind: 'program'; readonly server: ProgramServer; readonly canConfine: boolean }
  /** `warnings` are what a person should know of the way to it. */
  | { readonly kind: 'network'; readonly server: NetworkServer; readonly warnings: readonly string[] };

/** How a program may run; that a server may be reached is `full access` to it. `undefined` is a no. */
export type ServerAnswer = Confinement | undefined;

/** What was decided about one server, for the audit trail. */
export interface ServerDecision {
  readonly server: McpServer;
  /** Of one on the network: what is done there, where it can be told. */
  readonly target: string;
  readonly decision: 'allow' | 'deny';
  readonly rule: string;
}

export interface ApproveServerOptions {
  readonly mode: ApprovalMode;
  readonly rules: ApprovalRules;
  readonly places: Places;
  readonly canConfine: () => Promise<boolean>;
  /** Absent where nobody can be asked. */
  readonly ask: ((question: ServerQuestion) => Promise<ServerAnswer>) | undefined;
  readonly decided: (decision: ServerDecision) => void;
}

/**
 * Decides on a server that a client offers: by the user's rules, then by the mode, then by a question. A client is no
 * user: what it offers is asked for like a command, or like network access. @throws with the reason where it may not be
 */
export async function approveServer(server: McpServer, options: ApproveServerOptions): Promise<AgreedServer> {
  const { canConfine, ask, decided } = options;
  const route = server.kind === 'network' ? await findRoute(server) : undefined;
  const verdict = decide(server, route, options);
  const target = route === undefined ? describeServer(server) : targetOf(effectOf(route));
  const no = (rule: string, why: string): Error => {
    decided({ server, target, decision: 'deny', rule });
    return new Error(why);
  };
  if (verdict.kind === 'deny') throw no(verdict.rule, verdict.why);
  const rule = verdict.kind === 'allow' ? verdict.rule : ask === undefined ? `mode ${options.mode}` : 'the user';
  if (server.kind === 'network' && route !== undefined) {
    if (verdict.kind === 'ask' && (await ask?.({ kind: 'network', server, warnings: warningsOf(route) })) === undefined) throw no(rule, NOBODY);
    decided({ server, target, decision: 'allow', rule });
    return { kind: 'network', server, route };
  }
  if (server.kind !== 'program') throw new Error('a server on the network has a route');
  const confinement = verdict.kind === 'allow' ? 'full access' : await ask?.({ kind: 'program', server, canConfine: await canConfine() });
  if (confinement === undefined) throw no(rule, NOBODY);
  decided({ server, target, decision: 'allow', rule });
  return { kind: 'program', server, confinement };
}

const NOBODY = 'nobody said yes';

type Verdict =
  | { readonly kind: 'allow'; readonly rule: string }
  | { readonly kind: 'ask' }
  | { readonly kind: 'deny'; readonly rule: string; readonly why: string };

function decide(server: McpServer, route: Route | undefined, { mode, rules, places }: ApproveServerOptions): Verdict {
  const denial = route === undefined ? programDenial(server, rules, places) : denialOf(rules.deny, effectOf(route), places);
  if (denial !== undefined) return { kind: 'deny', rule: denial, why: denial === '' ? 'a rule of yours denies it' : `your rule \`${denial}\` denies it` };
  if (mode === 'none') return { kind: 'deny', rule: 'mode none', why: 'this session reads only' };
  if (route === undefined) return mode === 'all' ? { kind: 'allow', rule: 'mode all' } : { kind: 'ask' };
  if (denialOf(rules.ask, effectOf(route), places) !== undefined) return { kind: 'ask' };
  if (mode === 'all') return { kind: 'allow', rule: 'mode all' };
  const { allowed, rule } = allows(rules.allow, effectOf(route), places);
  // who allows a name does not know that it leads inside; who allows an address does
  const leadsInside = route.privateAddresses.some((address) => address !== effectOf(route).host);
  return allowed && !leadsInside ? { kind: 'allow', rule } : { kind: 'ask' };
}

function programDenial(server: McpServer, rules: ApprovalRules, places: Places): string | undefined {
  if (server.kind !== 'program') return undefined;
  const access = { kind: 'run', command: describeServer({ ...server, env: {} }), argv: [server.command, ...server.args], confinement: 'full access' } as const;
  return isDeniedByRule(access, rules, places) ? '' : undefined;
}

/** Rules that deny or ask are kept as denials. */
function denialOf(rules: ApprovalRules['deny'], effect: Effect, places: Places): string | undefined {
  const { rule } = allows(rules, effect, places);
  return rule.startsWith('!') ? rule.slice(1) : undefined;
}

function targetOf({ method, protocol, host, port, path }: ReturnType<typeof effectOf>): string {
  return `${method} ${protocol}//${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}
