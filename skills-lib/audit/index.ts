export { auditFiles, type AuditedFile, type AuditFinding, type NamedPackage, type TextAudit } from './audit-files.ts';
export { type LookUpPackage, lookUpMentioned, type PackageStanding } from './look-up.ts';
export { RULES_VERSION, TEXT_RULES } from './rules/index.ts';
export { type ObservedAuthority, observeAuthority } from './observed-authority.ts';
