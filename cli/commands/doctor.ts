import { existsSync, realpathSync } from 'node:fs';
import { access, constants, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { isDashError, makeDirectory, PROFILE_WORDS } from '../../format/index.ts';
import { pingRegistry } from '../../registry/catalog/index.ts';
import { checkStore, readProfile, type StoreCheck } from '../../registry/index.ts';
import { capturePackage, checkLayers, compilePackage, endOrphans } from '../../sandbox/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { npmConfigFor } from '../npm-config.ts';
import { formatWhere } from '../output/error.ts';
import { packageRoot } from '../package-root.ts';
import { formatTable } from '../output/table.ts';
import type { Style } from '../output/terminal.ts';

/** One thing that was looked at. */
export interface DoctorCheck {
  readonly id: 'node' | 'sandbox' | 'layers' | 'files' | 'home' | 'profile' | 'settings' | 'shadowing' | 'orphans' | 'registry' | 'clock' | StoreCheck['id'];
  readonly status: 'ok' | 'warning' | 'failed';
  readonly message: string;
  readonly hint?: string;
}

export const define: DefineCommand = () => async (invocation) => {
  const checks = (
    await Promise.all([
      checkNode(),
      checkSandbox(),
      checkSandboxLayers(),
      checkFiles(),
      checkHome(invocation),
      checkProfile(invocation),
      checkSettings(invocation),
      checkShadowing(invocation),
      checkOrphans(),
      checkRegistry(invocation),
      checkStores(invocation),
    ])
  ).flat();
  return {
    kind: 'document',
    document: { checks },
    text: textOf(checks, invocation.stdout.style),
    exitCode: checks.some(({ status }) => status === 'failed') ? 1 : 0,
  };
};

async function checkNode(): Promise<DoctorCheck> {
  return { id: 'node', status: 'ok', message: `Node ${process.versions.node}, ${process.platform} ${process.arch}` };
}

/** Where an open file cannot be asked for its path, who renames directories to and fro may win a race against a check. */
async function checkFiles(): Promise<DoctorCheck> {
  if (existsSync('/proc/self/fd')) return { id: 'files', status: 'ok', message: 'open files are checked by the path they really have' };
  return {
    id: 'files',
    status: 'warning',
    message: 'file access is racy: this system has no /proc',
    hint: 'grant packages no directories that other programs rename',
  };
}

/** Compiles a small extension and lets it register a tool: what an install does, with nothing of anybody's. */
async function checkSandbox(): Promise<DoctorCheck> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'dash-doctor-')));
  try {
    await writeFile(join(dir, 'index.ts'), PROBE);
    const graph = { root: 'probe@1.0.0', nodes: { 'probe@1.0.0': { name: 'probe', version: '1.0.0', dir, dependencies: {} } } };
    const store = { directory: join(dir, 'bundles') };
    const compiled = await compilePackage({ graph, entries: ['index.ts'] }, store);
    const { captureOutcomes } = await capturePackage({ name: 'probe', version: '1.0.0', contentHash: '', graph, compiled }, store);
    const [outcome] = captureOutcomes;
    if (outcome?.kind === 'ok' && outcome.registrations.tools.some(({ name }) => name === 'probe')) {
      return { id: 'sandbox', status: 'ok', message: 'a sandbox process starts, compiles and runs an extension' };
    }
    const reason = compiled.failures[0]?.error.message ?? (outcome && 'error' in outcome ? outcome.error.message : 'it registered nothing');
    return { id: 'sandbox', status: 'failed', message: `an extension does not run: ${reason}`, hint: REINSTALL };
  } catch (error) {
    return {
      id: 'sandbox',
      status: 'failed',
      message: `the sandbox does not start: ${messageOf(error)}`,
      hint: (isDashError(error) ? error.hint : undefined) ?? REINSTALL,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The layers without which packages still run, and less is held. */
async function checkSandboxLayers(): Promise<DoctorCheck[]> {
  const missing = (await checkLayers()).filter(({ live }) => !live);
  if (missing.length === 0) return [{ id: 'layers', status: 'ok', message: 'every layer of the sandbox is live' }];
  return missing.map(({ id, message, hint }) => ({
    id: 'layers',
    status: 'warning',
    message: `${id} is not live: ${message}`,
    hint: hint ?? 'see `dash sandbox layers`',
  }));
}

/** What an agent left that was killed in the moment in which a program of its own was being confined. */
async function checkOrphans(): Promise<DoctorCheck> {
  const ended = endOrphans();
  if (ended === 0) return { id: 'orphans', status: 'ok', message: 'no process is left of an agent that is gone' };
  const message = `${ended === 1 ? 'one process was' : `${ended} processes were`} left of an agent that is gone, and ${ended === 1 ? 'is' : 'are'} ended now`;
  return { id: 'orphans', status: 'warning', message, hint: 'nothing is to be done: an agent was killed while it started a program' };
}

async function checkHome({ home }: Invocation): Promise<DoctorCheck> {
  try {
    makeDirectory(home);
    await access(home, constants.W_OK);
    return { id: 'home', status: 'ok', message: `${home} is writable` };
  } catch (error) {
    return { id: 'home', status: 'failed', message: `${home} is not writable: ${messageOf(error)}`, hint: 'set `DASH_HOME` to a directory you may write' };
  }
}

/** How much packages must ask. `open` is allowed, and said. */
async function checkProfile({ home }: Invocation): Promise<DoctorCheck> {
  try {
    const { profile, chosenBy } = await readProfile(home);
    const message = `\`${profile}\` (${chosenBy === 'default' ? 'the default' : `chosen by the ${chosenBy}`}): ${PROFILE_WORDS[profile]}`;
    if (profile !== 'open') return { id: 'profile', status: 'ok', message };
    return { id: 'profile', status: 'warning', message, hint: 'go back with `dash config profile balanced`' };
  } catch (error) {
    if (!isDashError(error, 'SETTINGS_INVALID')) throw error;
    return { id: 'profile', status: 'failed', message: error.message, hint: 'correct the file; until then nothing can be granted' };
  }
}

/** What is wrong in it is said at each start of the agent; here to whoever looks for it. */
async function checkSettings({ home }: Invocation): Promise<DoctorCheck[]> {
  const { readSettings } = await import('../../host/index.ts');
  const path = join(home, 'settings.json');
  try {
    const { diagnostics } = await readSettings(home);
    if (diagnostics.length === 0) return [{ id: 'settings', status: 'ok', message: existsSync(path) ? `${path} is understood` : 'everything has its default' }];
    return diagnostics.map(({ severity, message, where }) => ({
      id: 'settings',
      status: severity === 'error' ? 'failed' : 'warning',
      message,
      hint: `correct ${formatWhere(where ?? { path })}; docs/settings.md has every key`,
    }));
  } catch (error) {
    if (!isDashError(error, 'SETTINGS_INVALID')) throw error;
    const { message, hint, where } = error;
    return [{ id: 'settings', status: 'failed', message, hint: hint ?? `correct ${formatWhere(where ?? { path })}` }];
  }
}

/** On Debian and Ubuntu `/bin/dash` is the system shell, and it may come first. */
async function checkShadowing({ env }: Invocation): Promise<DoctorCheck> {
  const own = await realpath(join(packageRoot(), 'bin', 'dash.js'));
  for (const dir of (env['PATH'] ?? '').split(delimiter)) {
    const found = await realpath(join(dir, 'dash')).catch(() => undefined);
    if (found === own) return { id: 'shadowing', status: 'ok', message: '`dash` is this program' };
    if (found !== undefined) {
      return {
        id: 'shadowing',
        status: 'warning',
        message: `\`dash\` is ${found}, not this program`,
        hint: 'call it `dash-agent`, or put its directory first on PATH',
      };
    }
  }
  return { id: 'shadowing', status: 'warning', message: '`dash` is not on PATH', hint: 'install it with `npm i -g --ignore-scripts dash-agent`' };
}

async function checkRegistry(invocation: Invocation): Promise<DoctorCheck[]> {
  if (invocation.globals.offline === true) return [];
  try {
    const { registry, clockSkewMs } = await pingRegistry(await npmConfigFor(invocation));
    const minutes = Math.round(Math.abs(clockSkewMs) / 60_000);
    return [
      { id: 'registry', status: 'ok', message: `${registry} answers` },
      minutes <= 5
        ? { id: 'clock', status: 'ok', message: 'the clock agrees with the registry' }
        : { id: 'clock', status: 'warning', message: `the clock is ${minutes} minutes off: ages of releases are wrong by that`, hint: 'set the clock' },
    ];
  } catch (error) {
    return [{ id: 'registry', status: 'failed', message: messageOf(error), hint: 'check network and proxy, and `registry` in your .npmrc' }];
  }
}

/** The user's packages, and the project's where the working directory has a lock. */
function checkStores({ home, cwd }: Invocation): Promise<StoreCheck[]> {
  const isProject = existsSync(join(cwd, '.dash', 'dash.lock'));
  return checkStore(home, [{ kind: 'user' }, ...(isProject ? [{ kind: 'project', dir: realpathSync(cwd) } as const] : [])]);
}

function textOf(checks: readonly DoctorCheck[], style: Style): string {
  const status = { ok: style.good('ok'), warning: style.warning('warning'), failed: style.bad('failed') };
  const hints = checks.flatMap(({ hint }) => (hint === undefined ? [] : [`${style.strong('hint')}: ${hint}\n`]));
  return `${formatTable(checks.map((check) => [status[check.status], check.id, check.message]))}${hints.join('')}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const REINSTALL = 'reinstall dash; `isolated-vm` has no build for this platform if that does not help';

const PROBE = `export default (dash) => dash.registerTool({
  name: 'probe', label: 'Probe', description: 'answers', parameters: { type: 'object', properties: {} },
  execute: async () => ({ content: [], details: {} }),
});
`;
