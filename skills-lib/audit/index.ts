export { auditFiles, type AuditedFile, type AuditFinding, type TextAudit } from './audit-files.ts';
export { RULES_VERSION, TEXT_RULES } from './rules/index.ts';
export { type ObservedAuthority, observeAuthority } from './observed-authority.ts';
