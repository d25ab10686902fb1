import { narrowResources, RESOURCE_KINDS } from '../../format/index.ts';
import { type Choice, type ChoiceChange, type InstalledPackage, readInstalled, toggle } from '../../registry/index.ts';
import { collect } from '../collect-option.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { oneLine, type Style } from '../output/terminal.ts';
import { showSettings } from '../show-settings.ts';
import { scopeOf } from '../scope.ts';
import { applyChoices, parseTarget } from '../toggle-command.ts';

interface ConfigFlags {
  readonly enable: readonly string[];
  readonly disable: readonly string[];
}

export const define: DefineCommand = (command) => {
  command
    .argument('[name]', 'show the settings of this package')
    .option('--enable <name[:resource]>', 'switch this on, without the list; may stand several times', collect, [])
    .option('--disable <name[:resource]>', 'switch this off, without the list; may stand several times', collect, []);
  return async (invocation) => {
    const { enable, disable } = command.opts<ConfigFlags>();
    const [name] = command.args;
    if (name !== undefined) return showSettings([await findInstalled(name, invocation)], invocation);
    const named = [...enable.map((text) => changeFor(text, true)), ...disable.map((text) => changeFor(text, false))];
    if (named.length > 0) return applyChoices(named, invocation);

    const { cwd, home, canAsk, globals, stdout } = invocation;
    const { kind } = scopeOf(invocation);
    const installed = (await readInstalled({ dashHome: home, ...(kind === 'project' && { projectDir: cwd }) })).filter(({ scope }) => scope === kind);
    if (installed.length === 0) return { kind: 'document', document: { packages: [], diagnostics: [] }, text: 'nothing is installed\n' };
    if (!canAsk || globals.json === true) {
      const packages = installed.map(stateOf);
      return { kind: 'document', document: { packages, diagnostics: [] }, text: packages.map((one) => linesOf(one, stdout.style)).join('') };
    }
    const changes = await askWhatIsOn(installed);
    if (changes.length === 0) return { kind: 'document', document: { packages: [], diagnostics: [] }, text: 'nothing was changed\n' };
    return applyChoices(changes, invocation);
  };
};

function changeFor(text: string, on: boolean): ChoiceChange {
  const { name, resource } = parseTarget(text);
  return { name, choose: (pkg) => toggle(pkg, resource, on) };
}

/** What is on, for whoever cannot be shown the list: a script, or a terminal that is none. */
interface SwitchedPackage {
  readonly name: string;
  readonly version: string;
  readonly enabled: boolean;
  readonly resources: readonly { readonly path: string; readonly on: boolean }[];
}

function stateOf({ name, version, enabled, brought, choice }: InstalledPackage): SwitchedPackage {
  const kept = narrowResources(brought, choice.filter ?? {});
  const resources = RESOURCE_KINDS.flatMap((kind) => brought[kind].map((path) => ({ path, on: enabled && kept[kind].includes(path) })));
  return { name, version, enabled, resources };
}

function linesOf({ name, version, enabled, resources }: SwitchedPackage, style: Style): string {
  const mark = (on: boolean) => (on ? style.good('on ') : style.warning('off'));
  return [`${mark(enabled)} ${style.strong(oneLine(name))} ${oneLine(version)}\n`, ...resources.map(({ path, on }) => `  ${mark(on)} ${oneLine(path)}\n`)].join(
    '',
  );
}

/** One list of everything that packages bring; what is marked is on. A package without any mark is off. */
async function askWhatIsOn(installed: readonly InstalledPackage[]): Promise<readonly ChoiceChange[]> {
  const { groupMultiselect, isCancel } = await import('@clack/prompts');
  const pathsOf = (of: InstalledPackage['brought']) => RESOURCE_KINDS.flatMap((kind) => of[kind]);
  const keyOf = (name: string, path: string) => `${name}\n${path}`;
  const isOn = (pkg: InstalledPackage) => (pkg.enabled ? pathsOf(narrowResources(pkg.brought, pkg.choice.filter ?? {})) : []);
  const answer = await groupMultiselect({
    message: 'what should be on? escape changes nothing',
    options: Object.fromEntries(
      installed.map((pkg) => [
        oneLine(`${pkg.name} ${pkg.version}`),
        pathsOf(pkg.brought).map((path) => ({ value: keyOf(pkg.name, path), label: oneLine(path) })),
      ]),
    ),
    initialValues: installed.flatMap((pkg) => isOn(pkg).map((path) => keyOf(pkg.name, path))),
    required: false,
    output: process.stderr,
  });
  if (isCancel(answer)) return [];
  const marked = new Set(answer);
  return installed.flatMap((pkg) => {
    const kept = pathsOf(pkg.brought).filter((path) => marked.has(keyOf(pkg.name, path)));
    if (kept.join('\n') === isOn(pkg).join('\n')) return [];
    if (kept.length === 0) return [{ name: pkg.name, choose: (current) => toggle(current, undefined, false) }];
    const mark = (choice: Choice, path: string): Choice => toggle({ ...pkg, choice }, path, marked.has(keyOf(pkg.name, path)));
    return [{ name: pkg.name, choose: () => pathsOf(pkg.brought).reduce(mark, {}) }];
  });
}
