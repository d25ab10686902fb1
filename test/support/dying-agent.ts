import { parsePermissionSet } from '../../format/index.ts';
import { confine, packageProfile, spawnConfined, startProgram, whoRuns } from '../../sandbox/os-layer/index.ts';
import { layer } from './confined-scene.ts';

/** An agent that starts a program and is killed so many milliseconds later, while it is being confined. */
const [, , how, directory = '', seconds = '', milliseconds = ''] = process.argv;
if (layer.kind !== 'live') throw new Error(layer.reason);
const profile = await packageProfile({
  granted: parsePermissionSet(['fs:read']),
  places: { workspace: directory, home: directory, data: directory, tmp: directory },
  programs: [],
  cwd: directory,
  environment: {},
  runAs: await whoRuns(directory),
  signal: new AbortController().signal,
});
const command = { program: '/bin/sleep', args: [seconds] };
if (how === 'at once') spawnConfined(confine(command, profile, layer, 3), ['pipe', 'pipe', 'pipe']);
else startProgram({ kind: 'confined', confinement: confine(command, profile, layer) }, { onOutput: () => undefined, signal: AbortSignal.timeout(60_000) });
setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(milliseconds));
