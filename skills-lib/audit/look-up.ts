import type { AuditFinding, TextAudit } from './audit-files.ts';

/** What a registry knows of a name. */
export type PackageStanding =
  | { readonly kind: 'published'; readonly since: Date }
  | { readonly kind: 'missing' }
  /** It could not be asked, or does not say. */
  | { readonly kind: 'unknown'; readonly why: string };

/** Asks npm's registry for a name. Never throws for what the registry answers. */
export type LookUpPackage = (name: string) => Promise<PackageStanding>;

export interface LookUpOptions {
  readonly lookUp: LookUpPackage;
  readonly now: Date;
  /** What the package itself is called: before it is published nobody else can have it. */
  readonly own?: string | undefined;
}

const DAY_MS = 86_400_000;
/** Names that somebody invents for a campaign are taken down within days, or grow old. */
const NEWBORN_MS = 14 * DAY_MS;
const MOST_ASKED = 200;
const AT_ONCE = 8;
/** Names that stand for the reader's own. */
const PLACEHOLDER = /^(?:@(?:scope|org|my|your|example)[\w-]*\/.*|(?:my|your|some|example)-[\w-]+|package|package-name|pkg|foo|bar|x)$/;

/**
 * Asks of each package that a text tells its reader to install whether it exists and since when. Models invent names, and
 * somebody who reads what they invent can take them. What could not be asked makes the verdict `error`, unless it is `fail`.
 */
export async function lookUpMentioned(audit: TextAudit, { lookUp, now, own }: LookUpOptions): Promise<TextAudit> {
  const named = audit.notLookedUp.filter(({ registry }) => registry === 'npm');
  const asked = named.slice(0, MOST_ASKED);
  const findings: AuditFinding[] = [];
  const unread: TextAudit['unread'][number][] = [];
  const [tooMany] = named.slice(MOST_ASKED);
  // two hundred that exist must not hide the next one
  if (tooMany !== undefined) unread.push({ path: tooMany.path, why: `texts name more than ${MOST_ASKED} packages; the others were not asked for` });
  for (let from = 0; from < asked.length; from += AT_ONCE) {
    const some = asked.slice(from, from + AT_ONCE);
    const standings = await Promise.all(some.map(({ name }) => lookUp(name)));
    for (const [at, { name, path, line }] of some.entries()) {
      const standing = standings[at];
      if (standing?.kind === 'unknown') unread.push({ path, why: `nobody could say whether \`${name}\` exists: ${standing.why}` });
      else if (standing !== undefined) findings.push(...judge(name, { path, line }, standing, { now, own }));
    }
  }
  const all = [...audit.findings, ...findings];
  const allUnread = [...audit.unread, ...unread];
  return {
    ...audit,
    verdict: all.some(({ severity }) => severity === 'high') ? 'fail' : allUnread.length > 0 ? 'error' : 'pass',
    findings: all,
    unread: allUnread,
    notLookedUp: audit.notLookedUp.filter((one) => !asked.includes(one)),
    lookedUpAt: now.toISOString(),
  };
}

function judge(
  name: string,
  where: Pick<AuditFinding, 'path' | 'line'>,
  standing: Exclude<PackageStanding, { kind: 'unknown' }>,
  { now, own }: Pick<LookUpOptions, 'now' | 'own'>,
): AuditFinding[] {
  const mild = name === own;
  if (standing.kind === 'missing') {
    const isNobodys = mild || PLACEHOLDER.test(name);
    const why = mild ? 'as this package is called: it is not published yet' : 'which does not exist: whoever publishes it first decides what runs';
    return [{ rule: 'missing-package', severity: isNobodys ? 'notice' : 'high', ...where, message: `installs \`${name}\`, ${why}` }];
  }
  const ageMs = now.getTime() - standing.since.getTime();
  if (ageMs >= NEWBORN_MS) return [];
  const message = `installs \`${name}\`, which exists since ${standing.since.toISOString().slice(0, 10)} (${age(ageMs)})`;
  return [{ rule: 'newborn-package', severity: mild ? 'notice' : 'high', ...where, message }];
}

function age(ms: number): string {
  const days = Math.max(0, Math.floor(ms / DAY_MS));
  return days === 0 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
}
