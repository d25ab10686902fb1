import { basename, join } from 'node:path';
import { type InstalledPackage, readSecret } from '../registry/index.ts';
import { type AuditRecord, AuditTrail, type HostPorts, type OpenOptions } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { bundleStore } from './compose.ts';

/** What every package of a run is opened with. */
export function openOptions({ home, cwd, env }: Invocation, ports: HostPorts, audit: AuditTrail, installed: readonly InstalledPackage[]): OpenOptions {
  return {
    ports,
    audit,
    bundles: bundleStore(home),
    workspace: cwd,
    home: env['HOME'] ?? cwd,
    dashHome: home,
    linked: installed.flatMap(({ linked, dir }) => (linked ? [dir] : [])),
    environment: env,
    lookUpSecret: (name) => readSecret(home, name) ?? env[name],
  };
}

/** The trail of a run: one in which no package is opened leaves none. */
export interface LazyTrail {
  open(): AuditTrail;
  head(): { readonly file: string; readonly hash: string } | undefined;
  close(): void;
}

export function lazyTrail(home: string, onRecord?: (record: Omit<AuditRecord, 'time'>) => void): LazyTrail {
  let trail: AuditTrail | undefined;
  return {
    open: () => (trail ??= new AuditTrail(join(home, 'audit'), undefined, onRecord)),
    head: () => (trail === undefined ? undefined : { file: basename(trail.file), hash: trail.head }),
    close: () => {
      trail?.[Symbol.dispose]();
      trail = undefined;
    },
  };
}
