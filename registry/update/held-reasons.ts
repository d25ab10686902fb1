import { consentLevel, formatPermission, parsePermission, parsePermissionSet, permissionSet, type PermissionRequest, widening } from '../../format/index.ts';
import type { ModelText } from './model-text.ts';

/** Why a new version does not apply by itself. */
export interface HeldReason {
  readonly code:
    | 'RED_PERMISSION_HELD'
    | 'NEW_HOST'
    | 'NEW_COMMAND'
    | 'NEW_PERMISSION'
    | 'PUBLISHER_CHANGED'
    | 'SOURCE_CHANGED'
    | 'TEXT_CHANGED'
    | 'VERSION_LOWER'
    | 'RELEASE_TOO_YOUNG'
    | 'DOES_NOT_WORK';
  readonly message: string;
}

/** What is compared of two versions. */
export interface Edition {
  readonly version: string;
  readonly grantKey: string;
  readonly publisher: string | undefined;
  /** All it asks for, optional permissions included; what its code was seen to need where it declares nothing. */
  readonly requests: readonly PermissionRequest[];
  readonly text: ModelText;
}

/**
 * Decides whether a new version may take the place of the old one without anybody looking: nothing that leads outside,
 * nothing new that it may do, the same hands, the same words for the model. Empty when it may.
 *
 * `granted` is what the old version was granted, in any project.
 */
export function reasonsToHold(old: Edition, next: Edition, granted: readonly string[]): HeldReason[] {
  return [...redHeld(granted), ...whatIsNew(old, next), ...whoIsNew(old, next), ...textChanged(old.text, next.text)];
}

/** Gives what one version asks for and the other does not, as written. */
export function permissionDiff(old: Pick<Edition, 'requests'>, next: Pick<Edition, 'requests'>) {
  const texts = ({ requests }: Pick<Edition, 'requests'>) => [...new Set(requests.map(({ permission }) => permission))].sort();
  const [before, after] = [texts(old), texts(next)];
  return { added: after.filter((text) => !before.includes(text)), removed: before.filter((text) => !after.includes(text)) };
}

function redHeld(granted: readonly string[]): HeldReason[] {
  const set = parsePermissionSet(granted.filter((text) => !text.startsWith('!')));
  const red = set.permissions.filter((permission) => ['one-by-one', 'policy'].includes(consentLevel(permission, set)));
  if (red.length === 0) return [];
  return [{ code: 'RED_PERMISSION_HELD', message: `it holds ${list(red.map(formatPermission))}: whatever changes, you look first` }];
}

function whatIsNew(old: Edition, next: Edition): HeldReason[] {
  const setOf = ({ requests }: Edition) => permissionSet(requests.map(({ permission }) => parsePermission(permission)));
  return widening(setOf(old), setOf(next)).map((permission): HeldReason => {
    const text = formatPermission(permission);
    if (permission.deny) return { code: 'NEW_PERMISSION', message: `it no longer denies itself \`${text.slice(1)}\`` };
    const code = permission.area === 'net' ? 'NEW_HOST' : permission.area === 'exec' ? 'NEW_COMMAND' : 'NEW_PERMISSION';
    return { code, message: `it now asks for \`${text}\`` };
  });
}

function whoIsNew(old: Edition, next: Edition): HeldReason[] {
  if (old.grantKey !== next.grantKey) return [{ code: 'SOURCE_CHANGED', message: `it now comes from \`${next.grantKey}\`` }];
  if (old.publisher === undefined || old.publisher === next.publisher) return [];
  return [{ code: 'PUBLISHER_CHANGED', message: `it was published by \`${next.publisher ?? 'nobody who is named'}\`, before by \`${old.publisher}\`` }];
}

function textChanged(old: ModelText, next: ModelText): HeldReason[] {
  const changes = [
    ...[...next].filter(([label, digest]) => old.get(label) !== digest).map(([label]) => `${label}${old.has(label) ? '' : ' (new)'}`),
    ...[...old.keys()].filter((label) => !next.has(label)).map((label) => `${label} (gone)`),
  ];
  if (changes.length === 0) return [];
  const shown = changes.slice(0, 5).join(', ');
  return [{ code: 'TEXT_CHANGED', message: `it changes what the model reads: ${shown}${changes.length > 5 ? ` and ${changes.length - 5} more` : ''}` }];
}

function list(texts: readonly string[]): string {
  return texts.map((text) => `\`${text}\``).join(', ');
}
