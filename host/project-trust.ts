import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, type Diagnostic, makeDirectory } from '../format/index.ts';
import { findProjectFiles, type ProjectFiles } from './project-files.ts';

/** Whether the files of a project may speak to the agent. */
export interface ProjectTrust {
  readonly trusted: boolean;
  readonly files: ProjectFiles;
  /** What is new or different since the user trusted it. */
  readonly changed: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface TrustPlaces {
  readonly dashHome: string;
  readonly cwd: string;
  readonly home: string;
}

/**
 * Decides whether a project is trusted: because the user says so for this run, or said so before and nothing that
 * matters has changed since. A file in the project cannot say it. @throws {DashError} SETTINGS_INVALID
 */
export async function decideTrust(places: TrustPlaces, trustProject: boolean): Promise<ProjectTrust> {
  const files = await findProjectFiles(places);
  const pins = (await readTrust(places.dashHome)).projects[files.root];
  const names = [...files.items.keys()];
  const changed = pins === undefined ? [] : names.filter((name) => pins.items[name] !== files.items.get(name));
  const trusted = trustProject || (pins !== undefined && changed.length === 0);
  const isSilent = trusted || names.length === 0;
  return { trusted, files, changed, diagnostics: [...files.diagnostics, ...(isSilent ? [] : [notTrusted(files, pins === undefined ? undefined : changed)])] };
}

/** Trusts a project as it is now, until something that matters changes. @throws {DashError} SETTINGS_INVALID */
export async function trustProject({ dashHome }: TrustPlaces, { root, items }: ProjectFiles): Promise<void> {
  const store = await readTrust(dashHome);
  const before = store.projects[root]?.items ?? {};
  // what was trusted from another directory of the same repository stays trusted
  const project = { items: { ...before, ...Object.fromEntries(items) }, trustedAt: new Date().toISOString() };
  await writeTrust(dashHome, { ...store, projects: { ...store.projects, [root]: project } });
}

/** Trusts a project no longer. Says whether it was. @throws {DashError} SETTINGS_INVALID */
export async function revokeTrust({ dashHome }: TrustPlaces, root: string): Promise<boolean> {
  const store = await readTrust(dashHome);
  const { [root]: gone, ...projects } = store.projects;
  if (gone !== undefined) await writeTrust(dashHome, { ...store, projects });
  return gone !== undefined;
}

const TrustStore = Type.Object({
  version: Type.Literal(1),
  projects: Type.Record(Type.String(), Type.Object({ items: Type.Record(Type.String(), Type.String()), trustedAt: Type.String() })),
});
type TrustStore = Static<typeof TrustStore>;

async function readTrust(dashHome: string): Promise<TrustStore> {
  const path = join(dashHome, 'trust.json');
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { version: 1, projects: {} };
    throw new DashError('SETTINGS_INVALID', `\`${path}\` cannot be read`, { cause: error, where: { path } });
  }
  if (Value.Check(TrustStore, value)) return value;
  throw new DashError('SETTINGS_INVALID', `\`${path}\` is not what \`dash trust\` writes`, {
    hint: 'remove it, and trust your projects again',
    where: { path },
  });
}

async function writeTrust(dashHome: string, store: TrustStore): Promise<void> {
  makeDirectory(dashHome, 0o700);
  const path = join(dashHome, 'trust.json');
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, `${JSON.stringify(store, undefined, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

function notTrusted({ root, items }: ProjectFiles, changed: readonly string[] | undefined): Diagnostic {
  const message =
    changed === undefined
      ? `${listed([...items.keys()])} of this project ${items.size === 1 ? 'is' : 'are'} not read; \`dash trust\` trusts it, \`--trust-project\` for this run`
      : `this project is not trusted any more: ${listed(changed)} changed; \`dash trust\` trusts it as it is now`;
  return { severity: 'info', code: 'PROJECT_NOT_TRUSTED', message, where: { path: root } };
}

const MOST = 5;

function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return quoted.length <= MOST ? quoted.join(', ') : `${quoted.slice(0, MOST).join(', ')} and ${quoted.length - MOST} more`;
}
