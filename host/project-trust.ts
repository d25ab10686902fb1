import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../format/index.ts';

/** Whether the files of a project may speak to the agent. */
export interface ProjectTrust {
  readonly trusted: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** What a project would bring in, if it were trusted. */
const PROJECT_FILES = ['AGENTS.md', 'CLAUDE.md', '.dash', '.agents/skills', '.claude/skills', '.pi/skills'];

/** Decides for this run. A project is not trusted unless the user says so on the command line: a file in it cannot say it. */
export function decideTrust(cwd: string, trustProject: boolean): ProjectTrust {
  const ignored = PROJECT_FILES.filter((name) => existsSync(join(cwd, name)));
  if (trustProject || ignored.length === 0) return { trusted: trustProject, diagnostics: [] };
  const names = ignored.map((name) => `\`${name}\``).join(', ');
  return {
    trusted: false,
    diagnostics: [
      {
        severity: 'info',
        code: 'PROJECT_NOT_TRUSTED',
        message: `${names} of this project ${ignored.length === 1 ? 'is' : 'are'} not read; \`--trust-project\` trusts it for this run`,
        where: { path: cwd },
      },
    ],
  };
}
