import type { ScreenCommand } from './command.ts';
import { copy } from './copy.ts';
import { fork } from './fork.ts';
import { hotkeys } from './hotkeys.ts';
import { importFile } from './import.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { model } from './model.ts';
import { newSession } from './new.ts';
import { packages } from './packages.ts';
import { permissions } from './permissions.ts';
import { quit } from './quit.ts';
import { resume } from './resume.ts';
import { theme } from './theme.ts';
import { scopedModels } from './scoped-models.ts';
import { settings } from './settings.ts';
import { tree } from './tree.ts';
import { trust } from './trust.ts';
import { updates } from './updates.ts';
import { why } from './why.ts';

export type { CommandContext, ScreenCommand } from './command.ts';

/** Every command of the screen. */
export const SCREEN_COMMANDS: readonly ScreenCommand[] = [
  copy,
  fork,
  hotkeys,
  importFile,
  login,
  logout,
  model,
  newSession,
  packages,
  permissions,
  quit,
  resume,
  scopedModels,
  settings,
  theme,
  tree,
  trust,
  updates,
  why,
];

/** The command of the screen that a line is, with the words after its name. */
export function readScreenCommand(line: string): { readonly command: ScreenCommand; readonly words: string } | undefined {
  const [, name = '', words = ''] = /^\/(\S+)\s*([^]*)$/.exec(line.trim()) ?? [];
  const command = SCREEN_COMMANDS.find((candidate) => candidate.name === name);
  return command === undefined || (words !== '' && command.takesWords === undefined) ? undefined : { command, words };
}
