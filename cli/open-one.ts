import { realpath } from 'node:fs/promises';
import { NO_SETTING_VALUES, type PermissionSet, type SettingValues } from '../format/index.ts';
import { openValueBook, settingsSchemaOf, toSettingValues } from '../registry/configure/index.ts';
import { emptyGrantPage, type InstalledPackage, narrowBuild, openGrantBook, readInstalled, readProfile } from '../registry/index.ts';
import { type Denial, type HostPorts, openPackage, type OpenOptions, recoverLeftBehind, type SandboxedPackage } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { buildOf, inspectDirectory } from './linked-builds.ts';
import { lazyTrail, openOptions } from './open-options.ts';
import { authorityOf, withGrants } from './package-authority.ts';
import { readBuilt } from './read-built.ts';

export interface CallTarget {
  readonly invocation: Invocation;
  /** Besides what an installed package was granted. */
  readonly grants: PermissionSet;
  readonly ports: HostPorts;
  readonly onDenial: (denial: Denial) => void;
  readonly notice: (text: string) => void;
}

/** Opens one package, installed or a directory, for a call without an agent. */
export async function openOne(
  installed: InstalledPackage | undefined,
  dir: string,
  { invocation, grants, ports, onDenial, notice }: CallTarget,
): Promise<SandboxedPackage> {
  const { home, cwd } = invocation;
  const trail = lazyTrail(home);
  const [book, { profile }, undone] = await Promise.all([openGrantBook(home, cwd), readProfile(home), recoverFor(invocation)]);
  if (undone !== '') notice(`the last one here was killed in the middle of a program:\n${undone.trimEnd()}`);
  const settings = await settingsForCall(installed, invocation, notice);
  const options: OpenOptions = {
    settings: () => settings,
    ...openOptions(invocation, ports, trail.open(), await readInstalled({ dashHome: home, projectDir: cwd })),
    onDenial,
    onLog: (level, text) => {
      // the rest of what a package logs of an error is its stack, which means something to its author
      if (invocation.globals.verbose === true) notice(`${level}: ${text}`);
      else if (level === 'warn' || level === 'error') notice(`${level}: ${text.split('\n', 1).join('')}`);
    },
  };
  const closing = { close: () => trail.close() };
  if (installed !== undefined && !installed.linked) {
    const built = installed.pending ? (await readBuilt(invocation)).find(({ id, scope }) => id === installed.id && scope === installed.scope) : installed;
    const { name, version, grantKey: source, contentHash, graph, compiled, captured } = built ?? installed;
    const authority = withGrants(authorityOf(book.of(source), installed, profile), grants);
    return closed(openPackage({ name, version, source, contentHash, graph, compiled, granted: authority.granted(), authority, captured }, options), closing);
  }
  await using inspection = await inspectDirectory(installed?.dir ?? dir, invocation);
  const { name, version } = inspection.package.manifest;
  const { permissions, optionalPermissions } = inspection.package.manifest.dash;
  // A directory that was never installed holds nothing, whatever another package of its source was granted.
  const page = installed === undefined ? emptyGrantPage() : book.of(installed.grantKey);
  const authority = withGrants(authorityOf(page, { version, permissions, optionalPermissions, compiled: inspection.package.compiled }, profile), grants);
  return closed(
    openPackage(
      {
        name,
        version,
        source: inspection.grantKey,
        contentHash: inspection.contentHash,
        granted: authority.granted(),
        authority,
        ...(await buildOf({ ...inspection.package, ...narrowBuild(inspection.package, installed?.filters ?? []) })),
      },
      options,
    ),
    closing,
  );
}

/** A directory that was never installed has no values: those were set for what was consented to. */
async function settingsForCall(
  installed: InstalledPackage | undefined,
  { home, cwd, env, globals }: Invocation,
  notice: (text: string) => void,
): Promise<SettingValues> {
  const schema = installed === undefined ? undefined : await settingsSchemaOf(installed);
  if (installed === undefined || schema === undefined) return NO_SETTING_VALUES;
  const { decideTrust, directoriesWithSettings } = await import('../host/index.ts');
  const { trusted, files } = await decideTrust({ dashHome: home, cwd, home: env['HOME'] ?? cwd }, globals.trustProject ?? false);
  const book = await openValueBook({ dashHome: home, projects: await directoriesWithSettings(trusted ? files : undefined) });
  const read = book.of({ ...installed, settings: schema });
  for (const { message } of read.diagnostics) notice(`warning: ${message}`);
  return toSettingValues(read);
}

async function recoverFor({ home, cwd, env }: Invocation): Promise<string> {
  const [workspace, userHome, dashHome] = await Promise.all([cwd, env['HOME'] ?? cwd, home].map((path) => realpath(path).catch(() => path)));
  return recoverLeftBehind({ workspace: workspace ?? cwd, home: userHome ?? cwd, dashHome: dashHome ?? home, env });
}

function closed(opened: SandboxedPackage, after: { close(): void }): SandboxedPackage {
  return new Proxy(opened, {
    get(target, member) {
      if (member === Symbol.asyncDispose) {
        return async () => {
          await target[Symbol.asyncDispose]();
          after.close();
        };
      }
      const value: unknown = Reflect.get(target, member, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
