import { createHash } from 'node:crypto';
import { type MentionedPackage, mentionedPackages } from './mentioned-packages.ts';
import type { AuditRule } from './rule.ts';
import { leadsOutside } from './rules/link-outside.ts';
import { RULES_VERSION, TEXT_RULES } from './rules/index.ts';

/** A file as it lies in a package. */
export interface AuditedFile {
  /** Relative, with `/`. */
  readonly path: string;
  /** Absent when it could not be read. */
  readonly bytes: Buffer | undefined;
  /** Where a symbolic link leads, as it stands in it; such a file has no bytes of its own. */
  readonly link?: string;
}

export interface AuditFinding {
  readonly rule: string;
  readonly severity: AuditRule['severity'];
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface NamedPackage extends Omit<MentionedPackage, 'offset'> {
  readonly path: string;
  readonly line: number;
}

/**
 * What the rules say of these bytes. `pass` is not "safe": rules find known campaigns and little else. `error` is not
 * `pass`: something could not be looked at.
 */
export interface TextAudit {
  readonly verdict: 'pass' | 'fail' | 'error';
  readonly findings: readonly AuditFinding[];
  /** What could not be looked at, and why. */
  readonly unread: readonly { readonly path: string; readonly why: string }[];
  /** Packages that texts tell to install and of which no registry was asked, each where it is named first. */
  readonly notLookedUp: readonly NamedPackage[];
  /** When a registry was asked: what it said holds for then. */
  readonly lookedUpAt?: string;
  /** The verdict holds for these bytes and these rules. */
  readonly contentHash: string;
  readonly rules: number;
}

const MAX_BYTES = 2 * 1024 * 1024;

/** Reads files with every rule. Pure. */
export function auditFiles(files: readonly AuditedFile[], rules: readonly AuditRule[] = TEXT_RULES): TextAudit {
  const hash = createHash('sha256');
  const findings: AuditFinding[] = [];
  const unread: { path: string; why: string }[] = [];
  const named = new Map<string, NamedPackage>();
  for (const { path, bytes, link } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    if (link !== undefined) {
      hash.update(`${path}\0link ${link}\n`);
      if (leadsOutside(path, link))
        findings.push({ rule: 'link-outside', severity: 'high', path, line: 1, message: `is a link to \`${link}\`, outside of the package` });
      continue;
    }
    hash.update(`${path}\0${bytes === undefined ? 'unread' : createHash('sha256').update(bytes).digest('hex')}\n`);
    if (bytes === undefined) unread.push({ path, why: 'it cannot be read' });
    else if (bytes.includes(0)) findings.push({ rule: 'binary', severity: 'notice', path, line: 1, message: 'is binary; no rule can read it' });
    else if (bytes.length > MAX_BYTES) unread.push({ path, why: `it is larger than ${MAX_BYTES} bytes` });
    else {
      const text = bytes.toString('utf8');
      findings.push(...auditText(path, text, rules));
      for (const { registry, name, offset } of mentionedPackages(text)) {
        const key = `${registry}:${name}`;
        if (!named.has(key)) named.set(key, { registry, name, path, line: lineAt(text, offset) });
      }
    }
  }
  const failed = findings.some(({ severity }) => severity === 'high');
  return {
    verdict: failed ? 'fail' : unread.length > 0 ? 'error' : 'pass',
    findings,
    unread,
    notLookedUp: [...named.values()],
    contentHash: `sha256-${hash.digest('hex')}`,
    rules: RULES_VERSION,
  };
}

function auditText(path: string, text: string, rules: readonly AuditRule[]): AuditFinding[] {
  return rules.flatMap(({ id, severity, find }) =>
    find({ path, text }).map(({ offset, message }) => ({ rule: id, severity, path, line: lineAt(text, offset), message })),
  );
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
