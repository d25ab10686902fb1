import { createHash } from 'node:crypto';
import { allows, type Effect, type Places } from '../../format/index.ts';
import { type CallOrigin, type Delegation, type LeftBehind, NO_DELEGATION } from '../../sandbox/index.ts';
import { type Access, type Approval, type ApprovalMode, type ApprovalRules, decideAccess, mayLast } from './approval.ts';
import { diffOf } from '../tools/diff.ts';
import type { PendingCall } from '../loop/tool-call.ts';
import type { BuiltinTool } from '../tools/index.ts';
import type { SkillLimit } from './skill-in-force.ts';
import { askAboutTool } from './tool-question.ts';
import type { UserInterface } from '../user-interface.ts';

/** A decision about one access of a host tool, for the audit trail and for whoever watches. */
export interface ToolDecision {
  readonly tool: string;
  readonly access: Access['kind'];
  /** The path, or the command. */
  readonly target: string;
  readonly decision: 'allow' | 'deny';
  /** The rule of the user's or the mode that decided, or `the user`. */
  readonly rule: string;
}

export interface ApproveOptions {
  readonly mode: ApprovalMode;
  readonly rules: ApprovalRules;
  readonly places: Places;
  readonly readable: () => readonly string[];
  readonly ui: () => UserInterface;
  readonly origin: () => CallOrigin | undefined;
  /** The skill that leads the run, if it says which tools it needs. */
  readonly skill: () => SkillLimit | undefined;
  /** Told before a question is put. */
  readonly asking: (tool: string, access: Access) => void;
  readonly decided: (decision: ToolDecision) => void;
}

/** Decides on a call of a host tool with its final arguments. @returns why not, or nothing */
export async function approveCall(
  call: PendingCall,
  tool: BuiltinTool,
  options: ApproveOptions,
  signal: AbortSignal,
  delegation: Delegation = NO_DELEGATION,
): Promise<string | undefined> {
  const { mode, rules, places, readable, ui, origin, skill, asking, decided } = options;
  for (const access of await tool.accesses(call.args)) {
    // A package's call is nobody's word but the package's, whatever the run around it is about.
    const isPackages = delegation.callers.length > 0;
    const startedBy = isPackages ? undefined : origin();
    // what is read changes nothing, and a skill has files beside it
    const limit = access.kind === 'read' || isPackages ? undefined : skill();
    const facts = {
      mode,
      rules,
      places,
      readable: readable(),
      isUsersTask: startedBy !== undefined,
      canAsk: ui().hasUI && !isPackages,
      ...(limit === undefined || limit.covers(call.name, access) ? {} : { narrowedBy: limit }),
    };
    const approval = withinRights(access, delegation, places) ?? decideAccess(access, facts);
    const tell = (decision: 'allow' | 'deny', rule: string): void =>
      decided({ tool: call.name, access: access.kind, target: access.kind === 'run' ? access.command : access.path, decision, rule });
    if (approval.kind === 'deny') {
      tell('deny', approval.rule);
      return approval.refusal;
    }
    if (approval.kind === 'ask') {
      asking(call.name, access);
      const change = access.kind === 'read' ? undefined : await tool.preview?.(call.args);
      const isAllowed = await askAboutTool(
        ui(),
        {
          tool: call.name,
          access,
          callId: call.id,
          title: `\`${call.name}\` asks`,
          question: approval.question,
          ...(change === undefined ? {} : { change }),
          origin: sourcesOf(startedBy),
          mayLast: mayLast(access, places),
        },
        signal,
      );
      tell(isAllowed ? 'allow' : 'deny', 'the user');
      if (!isAllowed) return approval.refusal;
    } else if (access.kind !== 'read') tell('allow', approval.rule);
  }
  return undefined;
}

/** Nobody does with a tool of the host what they may not do themselves. */
function withinRights(access: Access, { limits }: Delegation, places: Places): Approval | undefined {
  for (const { by, granted } of limits) {
    for (const effect of effectsOf(access, places)) {
      const decision = allows(granted(), effect, places);
      if (decision.allowed) continue;
      return {
        kind: 'deny',
        rule: decision.rule,
        refusal: `\`${by}\` may not have this done: it was not granted \`${decision.permission}\`. Do not try another way`,
      };
    }
  }
  return undefined;
}

/** A command of the host works in the whole workspace: that is what it takes, besides the program. */
function effectsOf(access: Access, { workspace }: Places): readonly Effect[] {
  if (access.kind !== 'run') return [{ kind: 'fs', access: access.kind, path: access.path }];
  const program: Effect = { kind: 'exec', argv: access.argv };
  if (access.confinement === 'full access') return [program, { kind: 'area', area: 'node' }];
  return [program, { kind: 'fs', access: 'read', path: workspace }, { kind: 'fs', access: 'write', path: workspace }];
}

/** Whatever talked the model into the call is likely to be among these. */
function sourcesOf(origin: CallOrigin | undefined): string {
  if (origin === undefined) return 'no message of yours started this';
  return origin.sources.length === 0 ? '' : `also in the context: ${origin.sources.join(', ')}`;
}

/** A command as the audit trail names it. */
export function commandDigest(command: string): string {
  return `sha256:${createHash('sha256').update(command).digest('hex').slice(0, 16)}`;
}

const MAX_SHOWN = 4_000;

/** The question about what a command left behind. */
export function describeLeftBehind({ path, kind, what, before, after }: LeftBehind): string {
  const shown = after === undefined ? '' : `\n\n${before === undefined ? after.slice(0, MAX_SHOWN) : diffOf(before, after).slice(0, MAX_SHOWN)}`;
  return `${kind === 'new' ? 'keep' : 'change'} \`${path}\`, a ${what}?${shown}`;
}
