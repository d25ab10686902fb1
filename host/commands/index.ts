import type { HostCommand } from './command.ts';
import { compact } from './compact.ts';
import { exportSession } from './export.ts';
import { model } from './model.ts';
import { name } from './name.ts';
import { newSession } from './new.ts';
import { reload } from './reload.ts';
import { session } from './session.ts';

export type { CommandHost, HostCommand } from './command.ts';

/** Every slash command of the host. */
export const HOST_COMMANDS: readonly HostCommand[] = [compact, exportSession, model, name, newSession, reload, session];
