import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { BIN, type CliResult, confirm, environment, type Person, run, succeeded } from '../demo/stage.ts';

/** What a new user wants, and where they are. */
export interface Walk {
  /** Empty: two homes and a workspace are made in it. */
  readonly root: string;
  /** What is typed after `dash install`. */
  readonly specs: readonly string[];
  /** Added to `dash install`. */
  readonly flags?: readonly string[];
  /** How registries and repositories are reached from here. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Told of each step that held. */
  readonly say: (step: string) => void;
}

interface Listed {
  readonly name: string;
  readonly version: string;
  readonly spec: string;
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

/**
 * Goes the way of somebody who has never had Dash: looks, installs everything in one transaction, asks what came and why,
 * switches off and on, removes, goes back, cleans up, and has it all again from the lock, on another machine and without
 * a network.
 *
 * @throws when a step does not do what it says
 */
export async function walk({ root, specs, flags = [], variables = {}, say }: Walk): Promise<readonly string[]> {
  const workspace = join(root, 'workspace');
  const [first, second] = ['first', 'second'].map((name): Person => ({ home: join(root, name), dashHome: join(root, name, '.dash'), variables }));
  if (first === undefined || second === undefined) throw new Error('nobody walks');
  for (const directory of [workspace, first.home, second.home]) mkdirSync(directory, { recursive: true });
  const as =
    (person: Person) =>
    (...args: readonly string[]): Promise<CliResult> =>
      run(process.execPath, [BIN, ...args], { cwd: workspace, env: environment(person) });
  const dash = as(first);
  const json = async (...args: readonly string[]): Promise<unknown> => JSON.parse(succeeded(await dash(...args, '--json'), args.join(' ')).stdout);
  const listOf = async (command = dash): Promise<readonly Listed[]> =>
    (JSON.parse(succeeded(await command('list', '--json'), 'list').stdout) as { packages: readonly Listed[] }).packages;

  const plan = (await json('install', ...specs, '--dry-run', ...flags)) as { packages: readonly { name: string; action: string }[] };
  confirm(plan.packages.length === specs.length && plan.packages.every(({ action }) => action === 'install'), 'the plan names every package');
  confirm((await listOf()).length === 0 && !existsSync(join(first.dashHome, 'dash.lock')), 'a plan changes nothing');
  say(`\`install --dry-run\` shows ${specs.length} packages and changes nothing`);

  succeeded(await dash('install', ...specs, '--grant', 'summary', ...flags), 'install');
  const installed = await listOf();
  const names = installed.map(({ name }) => name);
  confirm(installed.length === specs.length, `all of ${specs.join(', ')} are installed, not only ${names.join(', ')}`);
  confirm(
    installed.every(({ resources }) => Object.values(resources).flat().length > 0),
    'each brings something',
  );
  say(`\`install\` brings ${installed.map(({ name, version }) => `${name}@${version}`).join(', ')} in one transaction`);

  const again = (await json('install', ...specs, '--grant', 'summary', ...flags)) as { installed: readonly Listed[] };
  confirm(again.installed.length === 0, `installing again changes nothing, not ${again.installed.map(({ name }) => name).join(', ')}`);
  for (const name of names) {
    confirm(succeeded(await dash('why', name), `why ${name}`).stdout.includes('installed, for you'), `\`why ${name}\` says who`);
    succeeded(await dash('info', name), `info ${name}`);
  }
  say('`why` and `info` answer for each');

  const [one = ''] = names;
  succeeded(await dash('disable', one), 'disable');
  confirm(/disabled/.test((await dash('list')).stdout), 'list shows what is off');
  succeeded(await dash('config', '--enable', one), 'config');
  confirm(!/disabled/.test((await dash('list')).stdout), 'list shows what is on');
  say(`\`disable ${one}\` and \`config --enable ${one}\``);

  confirm([0, 6].includes((await dash('outdated', ...flags)).exitCode), '`outdated` answers');
  succeeded(await dash('update', ...flags), 'update');
  succeeded(await dash('remove', one), 'remove');
  confirm((await listOf()).length === specs.length - 1, 'what is removed is gone');
  succeeded(await dash('rollback'), 'rollback');
  confirm((await listOf()).length === specs.length, 'rollback brings it back');
  succeeded(await dash('gc'), 'gc');
  succeeded(await dash('verify'), 'verify');
  say('`outdated`, `update`, `remove`, `rollback`, `gc` and `verify`');

  const before = JSON.stringify((await listOf()).map(({ name, version, spec }) => [name, version, spec]));
  rmSync(join(first.dashHome, 'state'), { recursive: true });
  succeeded(await dash('install', '--frozen', '--offline'), 'install --frozen --offline');
  confirm(JSON.stringify((await listOf()).map(({ name, version, spec }) => [name, version, spec])) === before, 'the store alone gives the same');
  say('`install --frozen --offline` makes a lost state again');

  mkdirSync(second.dashHome);
  cpSync(join(first.dashHome, 'dash.lock'), join(second.dashHome, 'dash.lock'));
  const other = as(second);
  succeeded(await other('install', '--frozen', '--grant', 'summary', ...flags), 'install --frozen on another machine');
  confirm(JSON.stringify((await listOf(other)).map(({ name, version, spec }) => [name, version, spec])) === before, 'the lock gives the same');
  say('`install --frozen` gives another machine the same');
  return names;
}
