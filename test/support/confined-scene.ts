import { execFileSync } from 'node:child_process';
import { linkSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePermissionSet, type Places } from '../../format/index.ts';
import { confine, osLayer, packageProfile, startProgram, whoRuns, type Ending, type Launch } from '../../sandbox/os-layer/index.ts';
import { temporaryDirectory, writeFiles } from './sandbox-fixture.ts';

export const SECRET = 'the-secret-of-the-user';

export interface Outcome extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

/** A workspace with what a user has in one, and a way to run the same program in it confined and not. */
export interface ConfinedScene extends AsyncDisposable {
  readonly places: Places;
  /** As a program of a package. */
  confined(script: string, options?: { readonly granted?: readonly string[]; readonly timeoutMs?: number }): Promise<Outcome>;
  /** As an extension in the agent's process would run it. */
  naively(script: string): Promise<Outcome>;
}

export const layer = await osLayer();

export async function openConfinedScene(granted: readonly string[]): Promise<ConfinedScene> {
  const root = await temporaryDirectory('dash-confined-');
  const at = (name: string): string => join(root.path, name);
  const places: Places = { workspace: at('workspace'), home: at('home'), data: at('data'), tmp: at('tmp'), dashHome: at('home/.dash') };
  for (const place of Object.values(places)) await mkdir(place, { recursive: true });
  await writeFiles(root.path, {
    'workspace/a.txt': 'text of a',
    'workspace/.env': SECRET,
    'workspace/config/.env.local': SECRET,
    'workspace/config/plain.txt': 'plain',
    'workspace/server.pem': SECRET,
    'workspace/package.json': '{}',
    'workspace/Makefile': 'all:\n',
    'workspace/AGENTS.md': 'rules',
    'workspace/.vscode/tasks.json': '{}',
    'workspace/deep/er/.husky/pre-commit': '',
    'workspace/output/here.txt': 'here',
    'home/.ssh/id_rsa': SECRET,
    'home/.bashrc': '',
    'home/notes.txt': SECRET,
    'home/.dash/grants.json': SECRET,
    'data/own.txt': 'own',
    'tmp/own.txt': 'own',
  });
  linkSync(at('workspace/.env'), at('workspace/output/innocent.txt'));
  linkSync(at('home/.ssh/id_rsa'), at('workspace/harmless.txt'));
  linkSync(at('workspace/package.json'), at('workspace/other-name.json'));
  symlinkSync(at('home/notes.txt'), at('workspace/link.txt'));
  execFileSync('git', ['init', '-q', places.workspace], { env: { PATH: process.env['PATH'], HOME: places.home } });

  const run = async (launch: Launch, timeoutMs = 20_000): Promise<Outcome> => {
    const output = { stdout: '', stderr: '' };
    const program = startProgram(launch, { onOutput: (stream, bytes) => (output[stream] += bytes.toString()), signal: AbortSignal.timeout(timeoutMs) });
    program.stdin.end();
    return { ...(await program.ended), ...output };
  };
  const environment = { WORKSPACE: places.workspace, USERHOME: places.home, AGENT: String(process.pid), DATA: places.data };
  return {
    places,
    confined: async (script, options = {}) => {
      if (layer.kind !== 'live') throw new Error(layer.reason);
      const profile = await packageProfile({
        granted: parsePermissionSet(['fs:read:data:/', 'fs:write:data:/', 'fs:read:tmp:/', 'fs:write:tmp:/', ...(options.granted ?? granted)]),
        places,
        programs: ['/bin/sh'],
        cwd: places.workspace,
        environment,
        runAs: await whoRuns(places.workspace),
        signal: AbortSignal.timeout(20_000),
      });
      return run({ kind: 'confined', confinement: confine({ program: '/bin/sh', args: ['-c', script] }, profile, layer) }, options.timeoutMs);
    },
    naively: (script) =>
      run({
        kind: 'plain',
        program: '/bin/sh',
        args: ['-c', script],
        cwd: places.workspace,
        environment: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: places.home, TMPDIR: places.tmp, ...environment },
      }),
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}
