/** Confines programs by the operating system: what they see, and what they can ask of the kernel. */
export type { ConfinedCommand } from './bubblewrap-arguments.ts';
export { confine, type LiveLayer } from './confine.ts';
export { DOOR_PORT, openDoor } from './network-door.ts';
export { NOT_A_LOGIN, packageProfile, sees, whoRuns } from './package-profile.ts';
export { osLayer, type OsLayer } from './probe.ts';
export { endOrphans } from './orphans.ts';
export { processTree, startedAt } from './process-tree.ts';
export type { Limits, Mount, Profile, RunAs } from './profile.ts';
export { linkedSecretsOf, OtherNames } from './linked-secrets.ts';
export { UnguardableTree } from './project-grants.ts';
export { spawnConfined } from './spawn-confined.ts';
export { READ_FOR_REFUSALS, refusals } from './refusals.ts';
export { librariesOnly } from './system-view.ts';
export { startProgram, type Ending, type Launch, type RunningProgram } from './running-program.ts';
