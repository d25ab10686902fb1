import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, type Diagnostic, isDashError, makeDirectory } from '../../format/index.ts';
import { findProjectFiles, type ProjectFiles, THERE } from './project-files.ts';

/** Whether the files of a project may speak to the agent. */
export interface ProjectTrust {
  readonly trusted: boolean;
  readonly files: ProjectFiles;
  /** What is new or different since the user trusted it. */
  readonly changed: readonly string[];
  /** Said on the question, for this run only: it is written down nowhere, and holds for what was there then. */
  readonly once?: true;
  readonly diagnostics: readonly Diagnostic[];
}

/** What is put to the user before the files of a project may speak. */
export interface TrustQuestion {
  readonly root: string;
  /** Everything the project brings, by path from its root. */
  readonly brings: readonly string[];
  /** What is new or different since it was trusted; empty where it never was. */
  readonly changes: readonly TrustChange[];
}

export interface TrustChange {
  readonly path: string;
  /** `undefined`: it is new, or too long to have been kept. */
  readonly before?: string;
  /** `undefined`: it is merely read, not kept. */
  readonly now?: string;
}

/** Whoever answers it. `no` is remembered until something changes again. */
export type AskTrust = (question: TrustQuestion) => Promise<'trust' | 'this run' | 'no'>;

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

/**
 * Decides as {@link decideTrust}, and asks first where the project brings something that nobody decided about yet.
 * @throws {DashError} SETTINGS_INVALID
 */
export async function askForTrust(places: TrustPlaces, ask: AskTrust): Promise<ProjectTrust> {
  const decided = await decideTrust(places, false);
  const { files, trusted, changed } = decided;
  if (trusted || files.items.size === 0) return decided;
  const store = await readTrust(places.dashHome);
  if (store.refused?.[files.root] === digestOf(files)) return decided;
  const texts = await pinnedTexts(files);
  const changes = changed.map((path) => ({
    path,
    ...definite('before', store.projects[files.root]?.texts?.[path]),
    ...definite('now', texts[path]),
  }));
  switch (await ask({ root: files.root, brings: [...files.items.keys()], changes })) {
    case 'trust':
      await trustProject(places, files);
      // What was shown is what was trusted; one that changed while it was asked is not.
      return decideTrust(places, false);
    case 'this run': {
      const now = await decideTrust(places, false);
      return isWithin(files, now.files) ? { ...now, trusted: true, once: true, diagnostics: now.files.diagnostics } : now;
    }
    case 'no':
      await writeTrust(places.dashHome, { ...store, refused: { ...store.refused, [files.root]: digestOf(files) } });
      return decided;
  }
}

/** Whether a project may speak, as long as an agent runs. */
export interface StandingTrust extends Pick<ProjectTrust, 'trusted' | 'diagnostics'> {
  /** Looks again: what came or changed since is trusted by the user, or nothing of the project speaks any more. */
  look(): Promise<ProjectFiles | undefined>;
}

/** Holds the decision that an agent starts with. `forTheRun`: whatever the project brings meanwhile is trusted, too. */
export function standingTrust(places: TrustPlaces, start: ProjectTrust, forTheRun: boolean): StandingTrust {
  let now: Pick<ProjectTrust, 'trusted' | 'diagnostics'> = start;
  const isAsSaid = (files: ProjectFiles): boolean => start.once === true && isWithin(start.files, files);
  return {
    get trusted() {
      return now.trusted;
    },
    get diagnostics() {
      return now.diagnostics;
    },
    async look() {
      try {
        const decided = await decideTrust(places, forTheRun);
        now = isAsSaid(decided.files) ? { trusted: true, diagnostics: decided.files.diagnostics } : decided;
        return now.trusted ? decided.files : undefined;
      } catch (error) {
        // nobody knows what is trusted
        if (!isDashError(error)) throw error;
        now = { trusted: false, diagnostics: [{ severity: 'error', code: error.code, message: error.message, where: { path: places.dashHome } }] };
        return undefined;
      }
    },
  };
}

/** Whether nothing is there that was not there before, or was other than it is. */
function isWithin(before: ProjectFiles, { items }: ProjectFiles): boolean {
  return [...items].every(([name, value]) => before.items.get(name) === value);
}

/** Trusts a project as it is now, until something that matters changes. @throws {DashError} SETTINGS_INVALID */
export async function trustProject({ dashHome }: TrustPlaces, files: ProjectFiles): Promise<void> {
  const { root, items } = files;
  const store = await readTrust(dashHome);
  const before = store.projects[root];
  // what was trusted from another directory of the same repository stays trusted
  const project = {
    items: { ...before?.items, ...Object.fromEntries(items) },
    texts: { ...before?.texts, ...(await pinnedTexts(files)) },
    trustedAt: new Date().toISOString(),
  };
  const { [root]: _, ...refused } = store.refused ?? {};
  await writeTrust(dashHome, { ...store, projects: { ...store.projects, [root]: project }, refused });
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
  projects: Type.Record(
    Type.String(),
    Type.Object({
      items: Type.Record(Type.String(), Type.String()),
      /** What was trusted word by word, to show what is different later. */
      texts: Type.Optional(Type.Record(Type.String(), Type.String())),
      trustedAt: Type.String(),
    }),
  ),
  /** Projects the user did not want to trust, as they were then. */
  refused: Type.Optional(Type.Record(Type.String(), Type.String())),
});
type TrustStore = Static<typeof TrustStore>;

/** A longer one is trusted by its digest, without a difference to show. */
const MAX_TEXT = 64 * 1024;

/** The texts of what is trusted word by word; only those that are what was looked at. */
async function pinnedTexts({ root, items }: ProjectFiles): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [path, digest] of items) {
    const bytes = digest === THERE ? undefined : await readFile(join(root, path)).catch(() => undefined);
    if (bytes !== undefined && bytes.length <= MAX_TEXT && createHash('sha256').update(bytes).digest('hex') === digest) texts[path] = bytes.toString('utf8');
  }
  return texts;
}

function digestOf({ items }: ProjectFiles): string {
  return createHash('sha256')
    .update(JSON.stringify([...items].toSorted(([one], [other]) => (one < other ? -1 : 1))))
    .digest('hex');
}

function definite<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  const found: Partial<Record<Key, string>> = {};
  if (value !== undefined) found[key] = value;
  return found;
}

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
