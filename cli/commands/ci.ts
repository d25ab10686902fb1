import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { readCiPolicy, restore, type Scope } from '../../registry/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { inspectPorts } from '../compose.ts';
import { npmConfigFor } from '../npm-config.ts';
import { parseDuration } from '../duration.ts';
import { formatInstallReport } from '../output/install-report.ts';
import { showProgress } from '../output/progress.ts';

export const define: DefineCommand = (command) => {
  command.option('--min-age <duration>', 'how long a release that is new here must have been public, e.g. `3d` (the default), `12h`, `0`');
  return async (invocation) => {
    const { minAge } = command.opts<{ readonly minAge?: string }>();
    const { cwd, home, env, globals, signal, stdout } = invocation;
    const policy = await readCiPolicy(env['DASH_POLICY'], cwd);
    using progress = showProgress(invocation);
    const report = await restore({
      dashHome: home,
      scope: scopeOfCheckout(invocation),
      workspace: cwd,
      npm: await npmConfigFor(invocation),
      ports: inspectPorts(home),
      frozen: true,
      deferBuilds: true,
      policy,
      signal,
      onProgress: progress.listener,
      ...(minAge !== undefined && { minAgeMs: parseDuration('--min-age', minAge) }),
      ...(globals.offline === true && { offline: true }),
    });
    progress[Symbol.dispose]();
    return { kind: 'document', document: report, text: formatInstallReport(report, invocation, stdout.style) };
  };
};

/** The project's lock where the checkout brings one; otherwise the user's, which a CI system keeps in DASH_HOME. */
function scopeOfCheckout({ cwd, globals }: Invocation): Scope {
  const isProject = globals.local === true || (globals.user !== true && existsSync(join(cwd, '.dash', 'dash.lock')));
  return isProject ? { kind: 'project', dir: cwd } : { kind: 'user' };
}
