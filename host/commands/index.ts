import type { HostCommand } from './command.ts';
import { clone } from './clone.ts';
import { compact } from './compact.ts';
import { exportSession } from './export.ts';
import { fork } from './fork.ts';
import { model } from './model.ts';
import { name } from './name.ts';
import { newSession } from './new.ts';
import { reload } from './reload.ts';
import { resume } from './resume.ts';
import { session } from './session.ts';
import { tree } from './tree.ts';

export type { CommandHost, HostCommand } from './command.ts';

/** Every slash command of the host. */
export const HOST_COMMANDS: readonly HostCommand[] = [clone, compact, exportSession, fork, model, name, newSession, reload, resume, session, tree];
