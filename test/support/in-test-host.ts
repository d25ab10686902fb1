import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePermissionSet, type Resources } from '../../format/index.ts';
import { createHost, type Host, type HostEvent, type HostOptions, type LoadedPackage, type PromptOptions } from '../../host/index.ts';
import { createScriptedModel, type Script } from '../../host/model/scripted.ts';
import type { HostPorts } from '../../sandbox/index.ts';
import { type InTestExtension, InTestPackage } from './in-test-package.ts';

const NO_RESOURCES: Resources = { extensions: [], skills: [], prompts: [], themes: [] };

/** A package of a test: its rights, and what it does. A function may look at the ports, or fail to build. */
export interface TestPackage {
  readonly name: string;
  readonly granted?: readonly string[];
  /** Another hash is another build. */
  readonly hash?: string;
  readonly dir?: string;
  /** Rights that it lacks and the user is asked for, with the answer. */
  readonly asks?: { readonly areas: readonly string[]; readonly answer: boolean };
  readonly resources?: Partial<Resources>;
  readonly extension?: InTestExtension | ((ports: HostPorts) => InTestExtension);
}

export interface TestHost extends AsyncDisposable {
  readonly host: Host;
  readonly events: HostEvent[];
  readonly home: string;
  readonly cwd: string;
  /** Every package that was opened, oldest first. */
  readonly opened: InTestPackage[];
  /** What the next reload finds. */
  packages: readonly TestPackage[];
}

/** A real host in temporary directories, with a scripted model and packages without a sandbox. */
export async function startTestHost(
  script: Script,
  packages: readonly TestPackage[] = [],
  change: Partial<HostOptions> = {},
  { begin = true } = {},
): Promise<TestHost> {
  const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
  const cwd = change.cwd ?? (await mkdtemp(join(tmpdir(), 'dash-cwd-')));
  const opened: InTestPackage[] = [];
  const events: HostEvent[] = [];
  const state = { packages };
  const host = await createHost({
    dashHome: home,
    env: {},
    models: createScriptedModel(script),
    readPackages: async () => state.packages.map(toLoaded),
    openPackage: async (pkg, ports) => {
      const extension = state.packages.find(({ name }) => name === pkg.name)?.extension ?? {};
      const sandboxed = new InTestPackage(pkg.name, typeof extension === 'function' ? extension(ports) : extension);
      const { areas = [], answer = false } = state.packages.find(({ name }) => name === pkg.name)?.asks ?? {};
      for (const area of areas) {
        sandboxed.lost.add(area);
        sandboxed.askable.add(area);
      }
      sandboxed.answer = answer;
      opened.push(sandboxed);
      return sandboxed;
    },
    ...change,
    cwd,
  });
  host.subscribe((event) => void events.push(event));
  if (begin) await host.begin();
  return {
    host,
    events,
    home,
    cwd,
    opened,
    get packages() {
      return state.packages;
    },
    set packages(next) {
      state.packages = next;
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      // what the test brought is the test's to remove
      for (const path of [home, ...(change.cwd === undefined ? [cwd] : [])]) await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

function toLoaded({ name, granted = [], hash = '1', dir = '/nowhere', resources = {}, extension }: TestPackage): LoadedPackage {
  return {
    id: `npm:${name}`,
    name,
    version: '1.0.0',
    dir,
    linked: false,
    contentHash: hash,
    resources: { ...NO_RESOURCES, ...(extension === undefined ? {} : { extensions: ['index.ts'] }), ...resources },
    granted: parsePermissionSet(granted),
    captured: true,
    diagnostics: [],
  };
}

/** Runs one prompt to its very end. */
export async function ask(host: Host, text: string, images: NonNullable<PromptOptions['images']> = []): Promise<void> {
  const outcome = await host.prompt(text, { images });
  if (outcome.kind === 'started') await outcome.done;
  await host.settle();
}
