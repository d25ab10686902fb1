export { consentLevel, GRANTED_BY_INSTALLING, looksSecret, readsOf, waysOut, type ConsentLevel } from './consent-level.ts';
export { DashError, ERROR_EXIT_CODES, isDashError, type DashErrorOptions, type ErrorCode, type Where } from './dash-error.ts';
export { choicesOf, type DeclaredSetting, type DeclaredSettings, NO_SETTING_VALUES, readDeclaredSettings, type SettingValues } from './declared-settings.ts';
export { describeCombination, describePermission, describeSet } from './describe-permission.ts';
export type { Diagnostic } from './diagnostic.ts';
export type {
  CaptureOutcome,
  CommandRegistration,
  CompiledEntry,
  CompiledPackage,
  CompileFailure,
  EventRegistration,
  FlagRegistration,
  ModuleGraph,
  ModuleNode,
  ProviderModelRegistration,
  ProviderRegistration,
  Registrations,
  RendererRegistration,
  RuntimePart,
  ShortcutRegistration,
  ToolRegistration,
  Unsupported,
} from './extension-record.ts';
export { isPublicAddress } from './host-pattern.ts';
export {
  inferenceOf,
  isInferenceAsked,
  mergeInferences,
  type ComputedSubject,
  type ComputedUse,
  type Evidence,
  type Inference,
  type InferredPermission,
} from './inference.ts';
export { makeDirectory } from './make-directory.ts';
export { parseJson, type JsonDocument } from './json-text.ts';
export { conventionalManifest, parseManifest, type DashSection, type ManifestDefaults, type PackageManifest, type PermissionRequest } from './manifest.ts';
export { manifestSchemas, type DashManifest, type ManifestSchemas } from './manifest-schema.ts';
export { EVENT_NAMES, findMember, MEMBERS, type MemberRow } from './members.ts';
export { mergeCaptured, mergeRegistrations } from './merge-registrations.ts';
export { nearest } from './nearest.ts';
export { formatPackHead, PACK_LINE_BYTES, packHeadLength, type PackedFile, parsePackHead } from './pack.ts';
export { formatPackageId, isLinked, parsePackageId, type PackageId } from './package-id.ts';
export { formatPermission, parsePermission, PLAIN_AREAS, type FsArea, type Permission, type PermissionOf, type PlainArea } from './permission.ts';
export {
  allows,
  covers,
  emptyPermissionSet,
  formatPermissionSet,
  intersection,
  parsePermissionSet,
  permissionFor,
  permissionSet,
  union,
  widening,
  type Decision,
  type Effect,
  type PermissionSet,
} from './permission-set.ts';
export { describeMax, type Max, parseMax } from './permission-max.ts';
export type { Places } from './places.ts';
export { isProfile, levelUnder, PROFILE_WORDS, type Profile, PROFILES, stricterProfile } from './profile.ts';
export { isProtectedRead, isProtectedWrite, mayEndProtected, NO_READ, NO_WRITE, protection, type Protection } from './protected-paths.ts';
export { escapedText, plainText, quotedText } from './quoted-text.ts';
export { globMatches } from './resource-glob.ts';
export { isEmptyResources, RESOURCE_KINDS, type ResourceKind, type Resources } from './resource.ts';
export { narrowResources, resolveResources, type ReadText, type ResolvedResources, type ResourceFilter } from './resolve-resources.ts';
export { misfitOf, readTyped, type SettingSchema } from './setting-value.ts';
export { sorted, sortedJson } from './sorted-json.ts';
