/**
 * Does one thing in a process of its own and, when told, kills itself at one moment, or before the n-th change it makes to
 * the file system. Arguments as JSON: `{home, workspace, registry, action, moment?, change?, specs?, number?}`.
 */
import { createRequire } from 'node:module';

import { collectGarbage, install, type InstallContext, parseSpec, remove, restore, rollback } from '../../../registry/index.ts';
import { plainPorts } from '../plain-ports.ts';

interface Task {
  readonly home: string;
  readonly workspace: string;
  readonly registry: string;
  readonly action: 'install' | 'restore' | 'remove' | 'rollback' | 'gc';
  readonly moment?: string;
  readonly change?: number;
  readonly specs?: readonly string[];
}

const { home, workspace, registry, action, moment, change, specs = [] }: Task = JSON.parse(process.argv[2] ?? '{}');
const context: InstallContext = {
  dashHome: home,
  workspace,
  scope: { kind: 'user' },
  ports: plainPorts,
  npm: { registry },
  grant: ['summary'],
  onProgress(progress) {
    if ((progress.kind === 'commit' ? `commit:${progress.step}` : progress.kind) === moment) process.kill(process.pid, 'SIGKILL');
  },
};
if (change !== undefined) dieBeforeChange(change);

switch (action) {
  case 'install':
    await install(
      specs.map((text) => parseSpec(text, { cwd: workspace })),
      context,
    );
    break;
  case 'restore':
    await restore(context);
    break;
  case 'remove':
    await remove(specs, context);
    break;
  case 'rollback':
    await rollback(context);
    break;
  case 'gc':
    await collectGarbage(context);
}

/** Every call that changes a name or a content counts, whoever makes it. The count is printed at the end. */
function dieBeforeChange(at: number): void {
  const promises: Record<string, unknown> = createRequire(import.meta.url)('node:fs/promises');
  let count = 0;
  for (const name of ['rename', 'writeFile', 'mkdir', 'rm', 'chmod']) {
    const original = promises[name];
    if (typeof original !== 'function') throw new Error(`no ${name}`);
    promises[name] = (...args: readonly unknown[]) => {
      count++;
      if (count === at) process.kill(process.pid, 'SIGKILL');
      return Reflect.apply(original, promises, args);
    };
  }
  createRequire(import.meta.url)('node:module').syncBuiltinESMExports();
  process.on('exit', () => process.stdout.write(String(count)));
}
