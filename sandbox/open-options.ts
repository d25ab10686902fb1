import type { DashError, SettingValues } from '../format/index.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { BundleStore } from './compile/bundle-store.ts';
import type { Denial } from './extension.ts';
import type { OsLayer } from './os-layer/index.ts';
import type { HostPorts } from './ports.ts';
import type { SpareProcess } from './process/spare-process.ts';
import type { LookUpSecret } from './secret-handles.ts';

/** What a package runs among. */
export interface OpenOptions {
  readonly ports: HostPorts;
  readonly audit: Pick<AuditTrail, 'append'>;
  readonly bundles: BundleStore;
  /** Real path of the workspace: the guest's cwd. */
  readonly workspace: string;
  readonly home: string;
  readonly dashHome: string;
  /** Directories of packages that are linked: no package changes another's code by accident of where it lies. */
  readonly linked?: readonly string[];
  /** The agent's environment; only granted names reach the guest. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The value of a secret, asked for when it goes out. Default: there are none. */
  readonly lookUpSecret?: LookUpSecret;
  /** Its own settings, as they are at the moment. Default: there are none. */
  readonly settings?: () => SettingValues;
  readonly columns?: number;
  /** What confines programs. Default: what this machine has, probed at the first program. */
  readonly osLayer?: () => Promise<OsLayer>;
  /** Where a waking package finds a process that is prepared; without it each has its own made. */
  readonly spare?: SpareProcess;
  /** How long a package without event handlers rests before its process is ended. Default 30 minutes. */
  readonly idleMs?: number;
  /** What it may keep in its private directories. Default 256 MiB. */
  readonly maxPrivateBytes?: number;
  readonly onDenial?: (denial: Denial) => void;
  readonly onLog?: (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;
  /** What became of the package while nobody was waiting: a crash, a kill, a disabled package. */
  readonly onFailure?: (error: DashError) => void;
}
