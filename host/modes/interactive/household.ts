/** What the user has installed, and what may be done about it from the screen. The command line hands it in. */
export interface Household {
  packages(): Promise<readonly InstalledHere[]>;
  /** Leaves a package out, or takes it in again. @throws {DashError} NOT_INSTALLED, LOCKED, DELEGATED_CONSENT */
  setEnabled(name: string, enabled: boolean): Promise<void>;
  permissions(): Promise<readonly PackagePermissions[]>;
  /** @throws {DashError} DELEGATED_CONSENT, NOT_INSTALLED */
  grant(name: string, permission: string): Promise<void>;
  /** @throws {DashError} NOT_INSTALLED */
  revoke(name: string, permission: string): Promise<void>;
  /** Settings that packages have, with what holds here. */
  settings(): Promise<readonly SettingHere[]>;
  /**
   * Sets one for the user, as it was typed; `undefined` takes it back. @throws {DashError} SETTING_INVALID, SETTING_NOT_FOUND,
   * NOT_INSTALLED, DELEGATED_CONSENT
   */
  setSetting(packageName: string, name: string, typed: string | undefined): Promise<void>;
  /** New versions that wait, each with what it changes, for a person. */
  updates(): Promise<readonly WaitingUpdate[]>;
  /**
   * Takes one of them as it was shown, whole or without what it newly asks for. @returns what was done, in words.
   * @throws {DashError} UPDATE_CHANGED when another one waits by now
   */
  takeUpdate(update: WaitingUpdate, how: 'whole' | 'without'): Promise<string>;
  /** Who brought a package, what let it in, who granted what, what it was denied. @throws {DashError} NOT_INSTALLED */
  why(name: string): Promise<string>;
}

export interface InstalledHere {
  readonly name: string;
  readonly version: string;
  readonly enabled: boolean;
  /** What it brings, in words. */
  readonly brings: string;
}

export interface PackagePermissions {
  readonly name: string;
  readonly version: string;
  readonly permissions: readonly HeldPermission[];
}

export interface HeldPermission {
  /** Canonical. */
  readonly permission: string;
  /** What it lets the package do. */
  readonly words: string;
  readonly state: 'granted' | 'denied' | 'not granted';
  /** Whether it is one that is asked for by itself. */
  readonly isRed: boolean;
}

export interface SettingHere {
  readonly package: string;
  readonly name: string;
  /** The author's words. */
  readonly description: string;
  /** What holds and who said so, in words; of a sensitive one only whether it is set. */
  readonly shown: string;
  /** What it can be, where that is a short list. */
  readonly choices?: readonly string[];
  /** It is typed unseen. */
  readonly sensitive: boolean;
}

export interface WaitingUpdate {
  /** Of all that was shown: no other is taken in its place. */
  readonly digest: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Why it waits, and what it changes; a line each. */
  readonly lines: readonly string[];
  /** Whether it can be taken without what it newly asks for. */
  readonly mayGoWithout: boolean;
}
