/** The host's own shell: a workspace to work in, with what runs later kept out of reach. */
export { openShell, type RefusedName, type Shell, type ShellEnding, type ShellOptions, type ShellRun } from './open-shell.ts';
export { recoverLeftBehind } from './recover.ts';
