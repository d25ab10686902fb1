/** The host's own shell: a workspace to work in, with what runs later kept out of reach. */
export type { LeftBehind } from './check-changes.ts';
export { openShell, type Shell, type ShellEnding, type ShellOptions, type ShellRun } from './open-shell.ts';
