import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Places } from '../format/index.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import type { HostOptions } from './host-options.ts';
import { askForTrust, decideTrust, type StandingTrust, standingTrust } from './prompt/project-trust.ts';
import { realPath } from './tools/workspace-path.ts';

/** Where an agent works. */
export interface WorkPlace {
  /** The workspace, as the file system names it. */
  readonly cwd: string;
  readonly dashHome: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The same as permissions speak of it. */
  readonly places: Places & { readonly dashHome: string };
}

/** What the user's files say there, and whether those of the project may speak. */
export interface Arrangements {
  readonly trust: StandingTrust;
  readonly configuration: Configuration;
}

/** Finds the place that the options name. */
export function workPlaceOf({ cwd = process.cwd(), env = process.env, dashHome = env['DASH_HOME'] ?? join(homedir(), '.dash') }: HostOptions): WorkPlace {
  const workspace = realpathSync(cwd);
  const places = { workspace, home: homedir(), data: join(dashHome, 'data'), tmp: join(dashHome, 'tmp'), dashHome: realPath(dashHome) };
  return { cwd: workspace, dashHome, home: homedir(), env, places };
}

/** Reads what is arranged there; asks about the project where someone can be asked. @throws {DashError} SETTINGS_INVALID */
export async function readArrangements({ trustProject, askTrust }: HostOptions, { dashHome, cwd, home }: WorkPlace): Promise<Arrangements> {
  const around = { dashHome, cwd, home };
  const isAsked = trustProject !== true && askTrust !== undefined;
  const start = await (isAsked ? askForTrust(around, askTrust) : decideTrust(around, trustProject ?? false));
  const trust = standingTrust(around, start, trustProject === true);
  const configuration = await readConfiguration(dashHome, start.trusted ? start.files : undefined, trust.look);
  return { trust, configuration };
}
