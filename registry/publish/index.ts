export { check, type CheckPorts, type CheckResult, type ExtensionTrial } from './check.ts';
export { pack, type PackedPackage } from './pack.ts';
export { readPackageFiles } from './package-files.ts';
export type { PermissionChange } from './permission-change.ts';
export { publish, type PublishOptions, type PublishResult } from './publish.ts';
