/** Runs package code and knows nothing of npm: compile, capture, open, and the audit trail. */
export { type PermissionUse, usesOf } from './least-privilege.ts';
export { type AuditAnchor, type AuditFault, type AuditVerdict, verifyAudit } from './verify-audit.ts';
export { ATTACK_CLASSES } from './attacks/programs.ts';
export { type AttackResult, runAttacks } from './attacks/run-attacks.ts';
export { Announcement } from './announcement.ts';
export { AuditTrail, readAuditTrails, type AuditFile, type AuditRecord } from './audit-trail.ts';
export { type Authority, fixedAuthority, type Lasting, type RequestedPermission } from './authority.ts';
export { PACKAGE_ROOT } from './define-capability.ts';
export { type Delegation, NO_DELEGATION } from './delegation.ts';
export { forgetPinnedTools } from './late-tools.ts';
export { dataDirectory } from './data-directory.ts';
export { checkLayers, type LayerCheck } from './check-layers.ts';
export { type Captured, capturePackage, type CaptureRequest, prepareCapture } from './capture.ts';
export { type BundleStore, hasWholeBundles } from './compile/bundle-store.ts';
export { compilePackage, prepareCompile } from './compile/compile-package.ts';
export { isHostPackage } from './compile/host-modules.ts';
export type {
  CallContext,
  Denial,
  EventCallOptions,
  HandlerOutcome,
  RenderOptions,
  SandboxedPackage,
  SandboxPackage,
  StreamCallOptions,
  ToolCallOptions,
  ToolContent,
  ToolOutcome,
} from './extension.ts';
export type { ProviderAccess, ProviderPass, ProviderValue } from './provider-access.ts';
export type { ProviderRequest } from './protocol.ts';
export { ProviderLogin, type ProviderAct, type ProviderAnswer } from './provider-acts.ts';
export type { OpenOptions } from './open-options.ts';
export { openPackage } from './open-package.ts';
export { endOrphans, osLayer, type OsLayer } from './os-layer/index.ts';
export type {
  AgentPort,
  AgentSpawn,
  AgentQuery,
  CallOrigin,
  Confinement,
  CustomMessage,
  DialogOptions,
  HostPorts,
  NotifyLevel,
  PackageToolCall,
  PermissionAnswer,
  PermissionQuestion,
  QuestionPort,
  RefusedTool,
  SessionControl,
  SessionDraft,
  SessionPort,
  SessionQuery,
  SpawnedAgent,
  UiPort,
  UiSurface,
} from './ports.ts';
export { parseCommand } from './capabilities/exec-command.ts';
export type { LeftBehind } from './left-behind/index.ts';
export { openShell, recoverLeftBehind, type RefusedName, type Shell, type ShellEnding, type ShellOptions, type ShellRun } from './shell/index.ts';
export type { LookUpSecret } from './secret-handles.ts';
export { createQuestionDesk } from './question-desk.ts';
export { digest as registrationDigest } from './registrations.ts';
export { addonPath, guardAgainstInspectorSignal, sandboxCommand } from './process/layers.ts';
export { SpareProcess } from './process/spare-process.ts';
export { toolchainDigest } from './process/runtime-files.ts';
export type {
  EditorState,
  Frame,
  InterceptAnswer,
  OverlayLayout,
  RemoteSurface,
  Rendered,
  RenderSubject,
  Scene,
  Suggestions,
  SurfaceHandle,
  SurfacePlace,
  SurfacePort,
  SurfaceSignal,
  ThemeColors,
} from './surface.ts';
export { portsOfNobody } from './ports-of-nobody.ts';
