import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BIN, type CliResult, run } from '../../scripts/demo/stage.ts';
import { type FixtureRegistry, type PublishedVersion, startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** One user's directory: their home with `.npmrc`, DASH_HOME, a project, and a directory for temporary files. */
export interface Site {
  readonly root: string;
  readonly dashHome: string;
  readonly workspace: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs `dash … --json` as a process of its own. */
  dash(...args: readonly string[]): Promise<CliResult>;
}

/** Something `dash` does that changes the state. */
export interface Action {
  readonly name: string;
  readonly args: readonly string[];
  /** Brings a site to where the action begins. */
  prepare(site: Site, registry: FixtureRegistry): Promise<void>;
  /** What a copy of that site needs besides, for the times of its files are new. */
  settle?(site: Site): Promise<void>;
}

export async function makeSite(registry: string, settings = ''): Promise<Site> {
  const root = await temporaryDirectory();
  await Promise.all(['dash', 'workspace', 'tmp'].map((name) => mkdir(join(root, name))));
  await writeFile(join(root, '.npmrc'), `registry=${registry}\nfetch-retry-mintimeout=1\n${settings}`);
  return siteAt(root);
}

/** The same site in another place, with a state of its own. */
export async function copySite(site: Site): Promise<Site> {
  const root = await temporaryDirectory();
  await cp(site.root, root, { recursive: true, preserveTimestamps: true });
  return siteAt(root);
}

export async function removeSite({ root }: Site): Promise<void> {
  await rm(root, { recursive: true, force: true });
}

export function siteAt(
  root: string,
  { dashHome = join(root, 'dash'), env: more = {} }: { readonly dashHome?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Site {
  const workspace = join(root, 'workspace');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: root,
    DASH_HOME: dashHome,
    TMPDIR: join(root, 'tmp'),
    NO_COLOR: '1',
    LANG: 'C.UTF-8',
    // warm from one process to the next, and no part of what is looked at
    NODE_COMPILE_CACHE: join(tmpdir(), 'dash-compile-cache'),
    ...more,
  };
  return { root, dashHome, workspace, env, dash: (...args) => run(process.execPath, [BIN, ...args, '--json'], { cwd: workspace, env }) };
}

/** `dash …` that has to work. */
export async function done(site: Site, ...args: readonly string[]): Promise<CliResult> {
  const result = await site.dash(...args);
  if (result.exitCode !== 0) throw new Error(`dash ${args.join(' ')} ended with ${result.exitCode}: ${result.stdout}${result.stderr}`);
  return result;
}

/** Two versions of a package with an extension, a skill and a dependency, and one package that is always there. */
export function startFixtureRegistry(): Promise<FixtureRegistry> {
  return startNpmRegistry(
    {
      name: 'words',
      manifest: { dash: { skills: ['skills/*'] } },
      files: { 'skills/words/SKILL.md': '---\nname: words\ndescription: finds words\n---\nDo.\n' },
    },
    tool('1.0.0'),
    { name: 'dep', version: '1.0.0', files: { 'index.js': 'module.exports = 1;\n' } },
    { name: 'dep', version: '2.0.0', files: { 'index.js': 'module.exports = 2;\n' } },
  );
}

/** The versions differ in code alone, so that an update applies by itself. */
function tool(version: string): PublishedVersion {
  return {
    name: 'tool',
    version,
    manifest: { dash: { extensions: ['index.ts'], skills: ['skills/*'] }, dependencies: { dep: version.slice(0, 1) } },
    files: {
      'index.ts': `import dep from 'dep';
export default (api: any) => api.registerTool({
  name: 'hello', description: 'says hello', parameters: { type: 'object', properties: {} },
  execute: async () => ({ content: [{ type: 'text', text: 'hello from ' + dep }] }),
});\n`,
      'skills/hello/SKILL.md': '---\nname: hello\ndescription: says hello\n---\nSay it.\n',
    },
  };
}

const GRANT = ['--grant', 'summary'];

export const ACTIONS: readonly Action[] = [
  {
    name: 'install',
    args: ['install', 'npm:tool@1.0.0', ...GRANT],
    prepare: async (site) => void (await done(site, 'install', 'npm:words', ...GRANT)),
  },
  {
    name: 'update',
    args: ['update', 'tool'],
    async prepare(site, registry) {
      await done(site, 'install', 'npm:words', 'npm:tool', ...GRANT);
      registry.publish(tool('2.0.0'));
    },
  },
  {
    name: 'remove',
    args: ['remove', 'tool'],
    prepare: async (site) => void (await done(site, 'install', 'npm:words', 'npm:tool', ...GRANT)),
  },
  {
    name: 'rollback',
    args: ['rollback'],
    async prepare(site, registry) {
      registry.publish(tool('2.0.0'));
      await done(site, 'install', 'npm:words', 'npm:tool@1.0.0', ...GRANT);
      await done(site, 'install', 'npm:tool@2.0.0', ...GRANT);
    },
  },
  {
    name: 'gc',
    args: ['gc'],
    async prepare(site, registry) {
      registry.publish(tool('2.0.0'));
      await done(site, 'install', 'npm:words', 'npm:tool@2.0.0', ...GRANT);
      await done(site, 'remove', 'tool');
      for (const spec of ['npm:tool@1.0.0', 'npm:tool@1', 'npm:tool@^1']) await done(site, 'install', spec, ...GRANT);
    },
  },
];

/** Commands that nobody types but to go on with what another has begun. */
export const LATER_ACTIONS: readonly Action[] = [
  {
    name: 'restore from its note',
    args: ['install', '--frozen'],
    async prepare(site) {
      await done(site, 'install', 'npm:words', 'npm:tool@1.0.0', ...GRANT);
      await forget(site);
    },
    async settle(site) {
      await done(site, 'install', '--frozen');
      await forget(site);
    },
  },
  {
    name: 'finish builds',
    args: ['install', '--wait'],
    async prepare(site, registry) {
      const { manifest, ...rest } = tool('3.0.0');
      registry.publish({ name: 'dep', version: '3.0.0', files: { 'index.js': 'module.exports = 3;\n' } });
      // what a package declares is known without building it
      registry.publish({ ...rest, manifest: { ...manifest, dash: { extensions: ['index.ts'], permissions: ['ui:notify'] } } });
      await done(site, 'install', 'npm:words', 'npm:tool@3.0.0', ...GRANT);
      await forget(site);
      await rm(join(site.dashHome, 'bundles'), { recursive: true });
      await done(site, 'install');
    },
  },
];

/** Leaves the lock, the grants and the store. */
async function forget({ dashHome }: Site): Promise<void> {
  await rm(join(dashHome, 'state'), { recursive: true });
}
