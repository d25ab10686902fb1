import type { Places } from '../format/index.ts';
import type { AuditRecord } from './audit-trail.ts';
import type { Authority } from './authority.ts';
import { CapabilityFailure, type Need } from './define-capability.ts';
import { NO_DELEGATION } from './delegation.ts';
import { DECLINED, FirstUse } from './first-use.ts';
import type { CallOrigin, HostPorts } from './ports.ts';
import { ruleOn, type Ruling } from './ruling.ts';
import type { LookUpSecret, SecretHandles } from './secret-handles.ts';

/** A conversation that is about to be sent to a provider which a package described. */
export interface ProviderAccess {
  readonly provider: string;
  /** Where it goes, normalised. */
  readonly host: string;
  /** What it is sent with, in pi's words: `$NAME` and `${NAME}` name a variable, `!command` prints it, `$$` is a dollar. */
  readonly values: readonly ProviderValue[];
  readonly signal: AbortSignal;
  readonly origin?: CallOrigin;
  /** The value of a key that the host has itself; it travels to another host only with the permission for it. */
  readonly keptKey?: (name: string) => string | undefined;
}

export interface ProviderValue {
  readonly name: string;
  /** The header it goes out in. */
  readonly header: string;
  readonly text: string;
  /** It is what the package said, and no template: a token may begin with any character. */
  readonly isLiteral?: true;
}

/** The values by their names, for the host alone; or what is missing, in words for the user. */
export type ProviderPass =
  | { readonly kind: 'granted'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly code: 'PERMISSION_DENIED' | 'NO_KEY'; readonly message: string };

export interface ProviderGateOptions {
  readonly package: { readonly name: string; readonly version: string; readonly contentHash: string };
  readonly authority: Authority;
  readonly ports: HostPorts;
  readonly places: Places;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly lookUpSecret: LookUpSecret;
  readonly secrets: () => SecretHandles | undefined;
  readonly audit: { append(record: Omit<AuditRecord, 'time'>): void };
  /** Has the package run a command, as it may, and gives what it printed. */
  readonly runCommand: (command: string, signal: AbortSignal, origin: CallOrigin | undefined) => Promise<string>;
}

/**
 * Decides whether a conversation may go where a package wants it, and with which keys. A key is found where a package may
 * send it itself (`secret:NAME@HOST`) or may see it (`env:NAME`); what is found goes to the host and never to the package.
 */
export async function openGate(access: ProviderAccess, options: ProviderGateOptions): Promise<ProviderPass> {
  const { host, provider, signal, origin } = access;
  const { package: owner } = options;
  const may = (need: Need): Promise<Ruling> => decide(need, access, options);
  const sending = await may({ effect: { kind: 'provider', host }, target: host });
  if (!sending.allowed) return refused(`\`${owner.name}\` may not have the conversation sent to \`${host}\``, sending, owner.name);

  const values: Record<string, string> = {};
  for (const { name, header, text, isLiteral } of access.values) {
    if (isLiteral !== true && text.startsWith('!')) {
      values[name] = (await options.runCommand(text.slice(1), signal, origin)).trim();
      continue;
    }
    const { variables, fill } = isLiteral === true ? { variables: [], fill: () => text } : parseTemplate(text);
    const found = new Map<string, string>();
    for (const variable of variables) {
      const asSecret: Need = { effect: { kind: 'secret', name: variable, host, header }, target: `${variable} to ${host}` };
      const seen: Need = { effect: { kind: 'env', name: variable }, target: variable };
      // what it may see already is looked at first: nobody is asked for what was given
      const isSeen = ruleOn(seen, leaseOf(access), { context: options, authority: options.authority }).allowed;
      const ruling = isSeen ? await may(seen) : await may(asSecret);
      if (!ruling.allowed) return refused(`the key \`${variable}\` may not go to \`${host}\` for the provider \`${provider}\``, ruling, owner.name);
      const value = options.environment[variable] ?? options.lookUpSecret(variable) ?? access.keptKey?.(variable);
      if (value === undefined || value === '')
        return { kind: 'refused', code: 'NO_KEY', message: `\`${provider}\` has no key: set ${variable}, or run \`dash secret set ${variable}\`` };
      found.set(variable, value);
    }
    // A package that read a secret from its environment holds a handle: it stands for the value here, too.
    const filled = fill((variable) => found.get(variable) ?? '');
    const secrets = options.secrets();
    for (const secret of secrets?.namesIn(filled) ?? []) {
      const ruling = await may({ effect: { kind: 'secret', name: secret, host, header }, target: `${secret} to ${host}` });
      if (!ruling.allowed) return refused(`the key \`${secret}\` may not go to \`${host}\` for the provider \`${provider}\``, ruling, owner.name);
    }
    try {
      values[name] = secrets?.reveal(filled) ?? filled;
    } catch (error) {
      if (!(error instanceof CapabilityFailure)) throw error;
      return { kind: 'refused', code: 'NO_KEY', message: error.message };
    }
  }
  return { kind: 'granted', values };
}

/** The parts of a value: text, and names of variables. Mirrors what pi accepts in a provider's configuration. */
export function parseTemplate(text: string): { readonly variables: readonly string[]; fill(value: (name: string) => string): string } {
  const pattern = /\$(?:([$!])|\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g;
  const variables = [...text.matchAll(pattern)].flatMap(([, , braced, plain]) => braced ?? plain ?? []);
  return {
    variables: [...new Set(variables)],
    fill: (value) => text.replaceAll(pattern, (_all, escaped?: string, braced?: string, plain?: string) => escaped ?? value(braced ?? plain ?? '')),
  };
}

async function decide(need: Need, access: ProviderAccess, options: ProviderGateOptions): Promise<Ruling> {
  const { package: owner, authority, audit, ports, places } = options;
  const context = { packageName: owner.name, ports, places };
  const asking = { patience: 'waits' as const, signal: access.signal, lease: leaseOf(access) };
  const who = { 'dash.package': owner.name, 'dash.version': owner.version, 'content.hash': owner.contentHash, capability: 'provider' };
  const firstUse = new FirstUse({
    context,
    version: owner.version,
    authority,
    end: access.signal,
    // nothing of the package runs while it is asked
    pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
    recordAnswer: (_capability, { target }, permission, answer) => {
      const decision = answer === 'no' || answer === 'pause' ? 'deny' : 'allow';
      audit.append({ 'event.name': 'consent', ...who, target, decision, rule: `asked: ${answer}`, permission });
    },
  });
  const ruled = ruleOn(need, asking.lease, { context, authority });
  const ruling = ruled.allowed ? ruled : await firstUse.ask('provider', need, ruled, asking);
  const permission = ruling.allowed ? {} : { permission: ruling.permission };
  audit.append({ 'event.name': 'decision', ...who, target: need.target, decision: ruling.allowed ? 'allow' : 'deny', rule: ruling.rule, ...permission });
  if (ruling.allowed) authority.used(ruling.rule);
  return ruling;
}

function leaseOf({ origin, signal }: ProviderAccess) {
  return { calls: ['provider'], origin, delegation: NO_DELEGATION, signal };
}

function refused(what: string, ruling: Extract<Ruling, { allowed: false }>, owner: string): ProviderPass {
  const why = ruling.rule === DECLINED ? 'you declined it' : `\`dash permissions grant ${owner} ${ruling.permission}\` allows it`;
  return { kind: 'refused', code: 'PERMISSION_DENIED', message: `${what}: ${why}` };
}
