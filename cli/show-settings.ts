import type { Diagnostic } from '../format/index.ts';
import { openValueBook, type PackageSettings, settingsSchemaOf, type SettingState } from '../registry/configure/index.ts';
import type { InstalledPackage } from '../registry/index.ts';
import type { CommandResult, Invocation } from './command.ts';
import { formatDiagnostics } from './output/diagnostics.ts';
import { formatTable } from './output/table.ts';
import { oneLine, type Style } from './output/terminal.ts';

/** A setting as it may be shown: of a sensitive one only whether it is set. */
export interface SettingView {
  readonly name: string;
  readonly description: string;
  /** Absent where nothing is set, and of a sensitive one always. */
  readonly value?: unknown;
  readonly from: SettingState['from'];
  readonly default?: unknown;
  readonly sensitive: boolean;
  /** A trusted project may set it. */
  readonly project: boolean;
  readonly required: boolean;
}

/** What holds for a package here, with the word of the project where it is trusted. @throws {DashError} SETTINGS_INVALID, INVALID_MANIFEST */
export async function readSettingsOf(pkg: InstalledPackage, { home, cwd, env, globals }: Invocation): Promise<PackageSettings> {
  const { decideTrust, directoriesWithSettings } = await import('../host/index.ts');
  const { trusted, files } = await decideTrust({ dashHome: home, cwd, home: env['HOME'] ?? cwd }, globals.trustProject ?? false);
  const book = await openValueBook({ dashHome: home, projects: await directoriesWithSettings(trusted ? files : undefined) });
  return book.of({ ...pkg, settings: await settingsSchemaOf(pkg) });
}

/** Gives what `--json` and people may see of a setting. */
export function viewSetting({ setting, value, from }: SettingState): SettingView {
  const { name, description, sensitive, project, required } = setting;
  return {
    name,
    description,
    ...(!sensitive && value !== undefined && { value }),
    from,
    ...(setting.default !== undefined && { default: setting.default }),
    sensitive,
    project,
    required,
  };
}

/** A value on one line: text as it is, everything else as JSON. */
export function shownValue(value: unknown): string {
  return oneLine(typeof value === 'string' ? value : JSON.stringify(value));
}

/** The settings of these packages, each with what holds for it and who said so. */
export async function showSettings(packages: readonly InstalledPackage[], invocation: Invocation): Promise<CommandResult> {
  const { style } = invocation.stdout;
  const diagnostics: Diagnostic[] = [];
  const views: { readonly id: string; readonly name: string; readonly settings: readonly SettingView[] }[] = [];
  for (const pkg of packages) {
    const read = await readSettingsOf(pkg, invocation);
    diagnostics.push(...read.diagnostics);
    views.push({ id: pkg.id, name: pkg.name, settings: read.settings.map(viewSetting) });
  }
  const text = views.map(
    (view) => `${style.strong(oneLine(view.name))}${view.settings.length === 0 ? ' has no settings\n' : `\n${tableOf(view.settings, style)}`}`,
  );
  return { kind: 'document', document: { packages: views, diagnostics }, text: `${text.join('')}${formatDiagnostics(diagnostics, style)}` };
}

function tableOf(settings: readonly SettingView[], style: Style): string {
  return formatTable(settings.map((one) => [`  ${one.name}`, stateOf(one, style), style.dim(oneLine(one.description))]));
}

/** What holds of a setting, and who said so where that was not the user. */
export function stateOf({ from, value, sensitive, required }: SettingView, style: Style): string {
  if (from === 'unset') return required ? style.warning('not set, but needed') : style.dim('not set');
  const what = sensitive ? style.good('set, not shown') : shownValue(value);
  return from === 'user' ? what : `${what} ${style.dim(from === 'default' ? '(default)' : '(project)')}`;
}
