import { allows, type Effect, isProtectedRead, isProtectedWrite, parsePermissionSet, type PermissionSet, type Places } from '../../format/index.ts';
import { isWithin } from '../tools/workspace-path.ts';

/**
 * What needs no question of the host's own tools. `--approve` can say the first four.
 *
 * - `ask`: reads in the workspace.
 * - `edits`: changes in the workspace, and commands that the operating system confines.
 * - `all`: everything, with all rights of the user's.
 * - `none`: reads in the workspace; the rest is refused.
 * - `task`: as `edits` while the user's own words lead the run, as `ask` otherwise. The default on a terminal.
 */
export type ApprovalMode = 'ask' | 'edits' | 'all' | 'none' | 'task';
export const APPROVAL_MODES: readonly Exclude<ApprovalMode, 'task'>[] = ['ask', 'edits', 'all', 'none'];

/** One thing a host tool is about to do. `path` is real. */
export type Access = { readonly kind: 'read'; readonly path: string } | { readonly kind: 'write'; readonly path: string } | RunAccess;

/** A command, or a call of a server. */
export interface RunAccess {
  readonly kind: 'run';
  readonly command: string;
  readonly argv: readonly string[];
  readonly confinement: 'confined' | 'full access';
  /** Of a call of a server that runs already: its tool, which is what a lasting yes is about. */
  readonly topic?: string;
  /** Of a call of a server on the network: where what is said in it goes. */
  readonly network?: Extract<Effect, { readonly kind: 'net' }>;
}

/** What the user decided beforehand, in the grammar of permissions; a denial goes before a question, and that before a yes. */
export interface ApprovalRules {
  readonly allow: PermissionSet;
  readonly ask: PermissionSet;
  readonly deny: PermissionSet;
}

export interface ApprovalFacts {
  readonly mode: ApprovalMode;
  readonly rules: ApprovalRules;
  readonly places: Places;
  /** Real paths of directories that may be read besides: the skills that are offered, the host's own scratch. */
  readonly readable: readonly string[];
  /** Whether what the user typed leads the run. */
  readonly isUsersTask: boolean;
  readonly canAsk: boolean;
  /** What the skill that leads the run says about this access: it only takes away, and only what a mode gives. */
  readonly narrowedBy?: { readonly skill: string; readonly says: string };
}

/** `rule` is what decided: a rule of the user's, or the mode. */
export type Approval =
  | { readonly kind: 'allow'; readonly rule: string }
  | { readonly kind: 'ask'; readonly question: string; readonly refusal: string; readonly rule: string }
  | { readonly kind: 'deny'; readonly refusal: string; readonly rule: string };

/** @throws {DashError} INVALID_PERMISSION */
export function parseApprovalRules({ allow = [], ask = [], deny = [] }: Partial<Record<keyof ApprovalRules, readonly string[]>> = {}): ApprovalRules {
  // As denials, so that they hold for protected paths, too, which a grant does not open without naming them.
  const denials = (texts: readonly string[]): PermissionSet => parsePermissionSet(texts.map((text) => (text.startsWith('!') ? text : `!${text}`)));
  return { allow: parsePermissionSet(allow), ask: denials(ask), deny: denials(deny) };
}

/**
 * Decides about one access. Reads in the workspace are free; what can change something, and what lies outside or is
 * protected, follows the rules of the user and then the mode. Deny is the default.
 */
export function decideAccess(access: Access, facts: ApprovalFacts): Approval {
  const { mode, rules, canAsk, narrowedBy } = facts;
  const why = narrowedBy === undefined ? '' : ` (the skill \`${narrowedBy.skill}\` says that it needs \`${narrowedBy.says}\`)`;
  const question = (rule: string): Approval =>
    canAsk && mode !== 'none'
      ? { kind: 'ask', question: withReason(questionOf(access), why), refusal: refusalOf(access, `declined by the user${why}`, facts), rule }
      : { kind: 'deny', refusal: refusalOf(access, `not approved${why}, and there is nobody to ask`, facts), rule };
  const denial = matching(access, rules.deny, facts);
  if (denial !== undefined) return { kind: 'deny', refusal: refusalOf(access, `denied by the user's rule \`${denial}\``, facts), rule: denial };
  const asked = matching(access, rules.ask, facts);
  if (asked !== undefined) return question(asked);
  if (mode === 'all') return { kind: 'allow', rule: 'mode all' };
  if (narrowedBy === undefined && isFree(access, facts)) return { kind: 'allow', rule: `mode ${mode}` };
  const grant = allowing(access, facts);
  return grant === undefined ? question(narrowedBy === undefined ? `mode ${mode}` : `allowed-tools of ${narrowedBy.skill}`) : { kind: 'allow', rule: grant };
}

/** Whether a rule of the user's forbids it, whatever else is so. */
export function isDeniedByRule(access: Access, rules: ApprovalRules, places: Places): boolean {
  return matching(access, rules.deny, { places }) !== undefined;
}

/** Whether one yes may stand for the same access until the session ends. What is protected or has all rights is asked every time. */
export function mayLast(access: Access, places: Places): boolean {
  switch (access.kind) {
    case 'read':
      return !isProtectedRead(access.path, places);
    case 'write':
      return isWithin(places.workspace, access.path) && !isProtectedWrite(access.path, places);
    case 'run':
      return access.confinement === 'confined' || access.topic !== undefined;
  }
}

function isFree(access: Access, { mode, places, readable, isUsersTask }: ApprovalFacts): boolean {
  const changes = mode === 'edits' || (mode === 'task' && isUsersTask);
  switch (access.kind) {
    case 'read':
      // The model is told to read a skill where it lies, which may be inside the home of Dash.
      if (readable.some((directory) => isWithin(directory, access.path))) return true;
      return isWithin(places.workspace, access.path) && !isProtectedRead(access.path, places);
    case 'write':
      return changes && isWithin(places.workspace, access.path) && !isProtectedWrite(access.path, places);
    case 'run':
      return changes && access.confinement === 'confined';
  }
}

function allowing(access: Access, { rules, places }: ApprovalFacts): string | undefined {
  const decision = allows(rules.allow, effectOf(access), places);
  return decision.allowed ? decision.rule : undefined;
}

/** A rule against a program is one against it anywhere in the command: what it is really called only a shell knows. */
function matching(access: Access, rules: PermissionSet, { places }: Pick<ApprovalFacts, 'places'>): string | undefined {
  const effects = access.kind === 'run' ? [effectOf(access), ...wordsOf(access)] : [effectOf(access)];
  for (const effect of effects) {
    const { rule } = allows(rules, effect, places);
    if (rule.startsWith('!')) return rule.slice(1);
  }
  return undefined;
}

function effectOf(access: Access): Effect {
  return access.kind === 'run' ? { kind: 'exec', argv: access.argv } : { kind: 'fs', access: access.kind, path: access.path };
}

/** What may be in a command besides its program; a call of a server is none, and what stands in it are words. */
function wordsOf({ command, network }: RunAccess): readonly Effect[] {
  return network === undefined ? commandsIn(command) : [network];
}

/** Every place in a text where a command may begin. Errs on the side of too many. */
function commandsIn(command: string): readonly Effect[] {
  const words = command.split(/[\s;|&()`$<>{}"']+/).filter((word) => word !== '');
  return words.map((_, start): Effect => {
    const argv = words.slice(start);
    return { kind: 'exec', argv: [argv[0]?.split('/').at(-1) ?? '', ...argv.slice(1)] };
  });
}

/** The reason stands with what is asked, and not behind the command. */
function withReason(question: string, why: string): string {
  return question.replace(/\n\n|$/, (gap) => why + gap);
}

function questionOf(access: Access): string {
  switch (access.kind) {
    case 'read':
      return `read \`${access.path}\`?`;
    case 'write':
      return `write \`${access.path}\`?`;
    case 'run':
      if (access.topic !== undefined) {
        const { network, confinement } = access;
        const how = confinement === 'confined' ? 'runs confined: it reads the workspace and has no network' : 'runs with all your rights';
        const where = network === undefined ? how : `is ${network.host} on the network: what stands here goes there`;
        return `call \`${access.topic}\`? Its server ${where}\n\n${access.command}`;
      }
      return access.confinement === 'confined'
        ? `run this command, confined to the workspace and without network?\n\n${access.command}`
        : `run this command with all your rights?\n\n${access.command}`;
  }
}

function whatAllows(path: string, places: Places): string {
  if (!isWithin(places.workspace, path)) return 'it is outside of the workspace, which needs a yes of the user';
  if (isProtectedWrite(path, places)) return 'it runs later or tells agents and tools what to do, which needs a yes of the user';
  return '`--approve edits` allows changes in the workspace';
}

function refusalOf(access: Access, why: string, { places }: Pick<ApprovalFacts, 'places'>): string {
  switch (access.kind) {
    case 'read':
      return `reading \`${access.path}\` was ${why}; only files in the workspace that hold no secrets are read without approval. Do not try another way`;
    case 'write':
      return `writing \`${access.path}\` was ${why}; ${whatAllows(access.path, places)}. Do not try another way`;
    case 'run':
      if (access.network !== undefined) return `the call was ${why}; it goes over the network, which needs a yes of the user. Do not try another way`;
      return access.confinement === 'confined'
        ? `running the command was ${why}; \`--approve edits\` allows commands that are confined. Do not try another way`
        : `running the command with all rights was ${why}; it needs \`--approve all\` or a yes of the user. Do not try another way`;
  }
}
