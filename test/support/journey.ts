import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { type Json, RpcSession } from '../../scripts/demo/rpc-session.ts';
import { BIN, type CliResult, environment, type Person, run, succeeded } from '../../scripts/demo/stage.ts';
import { publishDocument, put, startRegistry } from '../registry/serve/registry-fixture.ts';
import { packTarball } from './tar.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** One user with a home of their own, and a registry on loopback: nothing of the machine's user is seen. */
export interface Journey {
  readonly workspace: string;
  readonly user: Person;
  /** Puts version 1.0.0 of a package on the registry, with a `pi` manifest that names `index.ts`, and what it asks for. */
  publish(name: string, source: string, permissions?: readonly string[] | Readonly<Record<string, string>>): Promise<void>;
  /** `dash …` as a process of its own. */
  dash(...args: readonly string[]): Promise<CliResult>;
  /** `dash install npm:<name>` with these grants, which must succeed. */
  install(name: string, ...grants: readonly string[]): Promise<CliResult>;
  /** What `dash call <tool> --json` answers, with its exit code. */
  call(name: string, tool: string, args: Json, ...grants: readonly string[]): Promise<{ readonly exitCode: number; readonly document: CallDocument }>;
  /** `dash --mode rpc` with a model that plays these turns; ended with the test. */
  host(turns: readonly object[], ...args: readonly string[]): Promise<RpcSession>;
  /** The lines of every session file on disk. */
  sessionEntries(): Promise<readonly Json[]>;
  /** The records of the audit trail on disk. */
  auditRecords(): Promise<readonly Json[]>;
}

export interface CallDocument {
  readonly result?: { readonly content: readonly { readonly text?: string }[]; readonly details?: unknown; readonly isError: boolean };
  readonly denials?: readonly Json[];
  readonly error?: { readonly code: string };
}

/** @param variables besides what every person's environment holds */
export async function startJourney(variables: Readonly<Record<string, string>> = {}): Promise<Journey> {
  const root = await realpath(await temporaryDirectory());
  const registry = await startRegistry();
  const [home, workspace] = [join(root, 'home'), join(root, 'workspace')];
  await Promise.all([mkdir(home), mkdir(workspace)]);
  await writeFile(join(home, '.npmrc'), `registry=${registry.url}\n`);
  const user: Person = { home, dashHome: join(home, '.dash'), variables };
  const dash = (...args: readonly string[]): Promise<CliResult> => run(process.execPath, [BIN, ...args], { cwd: workspace, env: environment(user) });
  let scripts = 0;

  return {
    workspace,
    user,
    dash,
    async publish(name, source, permissions) {
      const extensions = ['./index.ts'];
      const manifest = { keywords: ['pi-package'], ...(permissions === undefined ? { pi: { extensions } } : { dash: { extensions, permissions } }) };
      const bytes = packTarball({ 'package.json': JSON.stringify({ name, version: '1.0.0', ...manifest }), 'index.ts': source });
      const { status, error } = await put(registry, publishDocument({ name, bytes, manifest }));
      if (status !== 201) throw new Error(`${name} was not published: ${String(error)}`);
    },
    install: async (name, ...grants) =>
      succeeded(await dash('install', `npm:${name}`, '--min-age', '0', ...grants.flatMap((grant) => ['--grant', grant])), `install ${name}`),
    async call(name, tool, args, ...grants) {
      const { exitCode, stdout } = await dash(
        'call',
        tool,
        JSON.stringify(args),
        '--package',
        name,
        '--json',
        ...grants.flatMap((grant) => ['--grant', grant]),
      );
      return { exitCode, document: JSON.parse(stdout) as CallDocument };
    },
    async host(turns, ...args) {
      const script = join(root, `script-${scripts++}.json`);
      await writeFile(script, JSON.stringify({ turns }));
      const session = new RpcSession(user, workspace, ['--model', `scripted:${script}`, ...args]);
      onTestFinished(() => session[Symbol.dispose]());
      return session;
    },
    sessionEntries: () => jsonLines(join(user.dashHome, 'sessions')),
    auditRecords: () => jsonLines(join(user.dashHome, 'audit')),
  };
}

/** Every line of every `.jsonl` file below a directory, parsed. */
async function jsonLines(directory: string): Promise<Json[]> {
  const files = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.jsonl')).toSorted();
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Json),
  );
}

/** The kernel's word on who started whom: command lines of the running children of a process. */
export function childrenOf(pid: number): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return parent === pid ? [readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
      } catch {
        return []; // it ended while we looked
      }
    });
}
