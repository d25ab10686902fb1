import { join } from 'node:path';

import {
  install,
  type InstallContext,
  type InstallReport,
  parseSpec,
  readInstalled,
  readNpmConfig,
  restore,
  type RestoreContext,
} from '../../registry/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { plainPorts } from './plain-ports.ts';

/** A home and a project of their own, and an install that needs neither a sandbox nor a terminal. */
export interface Site {
  readonly dashHome: string;
  readonly workspace: string;
  install(specs: string | readonly string[], options?: Partial<InstallContext>): Promise<InstallReport>;
  restore(options?: Partial<RestoreContext>): Promise<InstallReport>;
  installed(): Promise<Record<string, string>>;
  context(options?: Partial<InstallContext>): Promise<InstallContext>;
}

export async function makeSite({ registry }: { readonly registry?: string } = {}): Promise<Site> {
  const root = await temporaryDirectory();
  const dashHome = join(root, 'dash');
  const workspace = await temporaryDirectory();
  const context = async (options: Partial<InstallContext> = {}): Promise<InstallContext> => ({
    dashHome,
    workspace,
    scope: { kind: 'user' },
    ports: plainPorts(dashHome),
    npm: await readNpmConfig({ home: root, env: {}, registry: registry ?? 'http://127.0.0.1:9/' }),
    ...options,
  });
  return {
    dashHome,
    workspace,
    context,
    async install(specs, options) {
      return install(
        [specs].flat().map((text) => parseSpec(text, { cwd: workspace })),
        await context(options),
      );
    },
    restore: async (options) => restore({ ...(await context(options)), ...options }),
    async installed() {
      return Object.fromEntries((await readInstalled({ dashHome })).map(({ name, version }) => [name, version]));
    },
  };
}

/** A package with one extension that registers one tool. */
export function extensionPackage(
  name: string,
  {
    tool = 'hello',
    version = '1.0.0',
    permissions,
    dependencies,
    source,
  }: {
    readonly tool?: string;
    readonly version?: string;
    readonly permissions?: readonly string[];
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly source?: string;
  } = {},
) {
  return {
    name,
    version,
    manifest: { dash: { extensions: ['index.ts'], ...(permissions !== undefined && { permissions }) }, ...(dependencies !== undefined && { dependencies }) },
    files: { 'index.ts': source ?? `// tool:${tool}\nexport default () => {};\n` },
  };
}
