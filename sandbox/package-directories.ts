import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Places } from '../format/index.ts';
import { dataDirectory } from './data-directory.ts';
import type { SandboxPackage } from './extension.ts';
import type { OpenOptions } from './open-options.ts';

type Surroundings = Pick<OpenOptions, 'workspace' | 'home' | 'dashHome' | 'linked'>;

/** Where a package lives: the user's places that its rules are about, what it keeps, and what it may throw away. */
export class PackageDirectories {
  /** pi packages keep their settings in "the agent's directory": here each has one of its own. */
  readonly agentDir: string;
  /** What it has used up of what it may. Not where the package may write. */
  readonly budgets: string;
  readonly #surroundings: Surroundings;
  #tmp: string | undefined;

  constructor(ofPackage: Pick<SandboxPackage, 'name' | 'source'>, surroundings: Surroundings) {
    const data = dataDirectory(surroundings.dashHome, ofPackage);
    this.agentDir = join(data, 'agent');
    this.budgets = join(surroundings.dashHome, 'state', 'budgets', basename(data));
    this.#surroundings = surroundings;
  }

  /** All of them as real paths, which is what rules are compared with; its own are made. */
  async places(): Promise<Places> {
    const { workspace, home, dashHome, linked = [] } = this.#surroundings;
    await mkdir(this.agentDir, { recursive: true, mode: 0o700 });
    this.#tmp ??= await mkdtemp(join(await realpath(tmpdir()), 'dash-package-'));
    return {
      workspace: await realpath(workspace),
      home: await realpath(home),
      data: await realpath(dirname(this.agentDir)),
      tmp: this.#tmp,
      dashHome: await realpath(dashHome),
      linked: await Promise.all(linked.map((directory) => realpath(directory).catch(() => directory))),
    };
  }

  async removeTmp(): Promise<void> {
    // A program of it may have left what cannot be removed: that is no reason not to end.
    if (this.#tmp !== undefined) await rm(this.#tmp, { recursive: true, force: true }).catch(() => undefined);
  }
}
