import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Diagnostic } from '../format/index.ts';
import { decideTrust, readResources, readSettings } from '../host/index.ts';
import { readInstalled } from '../registry/index.ts';
import type { FoundSkill } from '../skills-lib/index.ts';
import type { Invocation } from './command.ts';
import { formatDiagnostics } from './output/diagnostics.ts';
import { formatTable } from './output/table.ts';
import { oneLine, type Style } from './output/terminal.ts';
import { packageRoot } from './package-root.ts';

/** A skill as `--json` shows it. */
export interface SkillView {
  readonly name: string;
  readonly description: string;
  readonly path: string;
  /** `user`, `project`, or the name of a package. */
  readonly source: string;
  readonly score?: number;
}

/** Reads the skills as the host would load them in this directory. @throws {DashError} SETTINGS_INVALID, STORE_CORRUPT */
export async function readSkills(
  { home, cwd }: Pick<Invocation, 'home' | 'cwd'>,
  { trustProject = false }: { readonly trustProject?: boolean },
): Promise<{ readonly skills: readonly FoundSkill[]; readonly diagnostics: readonly Diagnostic[] }> {
  const [installed, { settings }, { trusted }] = await Promise.all([
    readInstalled({ dashHome: home, projectDir: cwd }),
    readSettings(home),
    decideTrust({ dashHome: home, cwd, home: homedir() }, trustProject),
  ]);
  const packages = installed.filter(({ enabled }) => enabled).map((pkg) => ({ ...pkg, resources: { ...pkg.resources, prompts: [], themes: [] } }));
  return readResources({ dashHome: home, home: homedir(), cwd, trusted, skills: settings.skills ?? {}, bundledSkills: bundledSkills() }, packages);
}

/** Where the skills lie that come with Dash. */
export function bundledSkills(): string {
  return join(packageRoot(), 'skills-lib/skills');
}

/** Gives what is shown of a skill. */
export function viewSkill({ name, description, path, origin }: FoundSkill, score?: number): SkillView {
  return { name, description, path, source: origin, ...(score !== undefined && { score }) };
}

const SHOWN = 100;

/** Writes skills as a table, and below it what is wrong with any. */
export function skillsText(skills: readonly SkillView[], diagnostics: readonly Diagnostic[], style: Style): string {
  const short = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text);
  const rows = skills.map(({ name, source, description }) => [style.strong(oneLine(name)), oneLine(source), short(oneLine(description))]);
  return `${rows.length === 0 ? 'no skills\n' : formatTable(rows)}${formatDiagnostics(diagnostics, style)}`;
}
