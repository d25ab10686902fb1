import { DashError, parsePermission } from '../../format/index.ts';
import { addGrants, makeGrants, viewPackage } from '../../registry/index.ts';
import { forgetPinnedTools } from '../../sandbox/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'an installed package').argument('<permission...>', 'what to grant, e.g. net:api.example.com');
  return async (invocation) => {
    const { home, cwd, globals } = invocation;
    const [name = '', ...texts] = command.args;
    const permissions = texts.map(parsePermission);
    if (permissions.some(({ deny }) => deny))
      throw new DashError('USAGE', 'a `!…` is a denial, not a grant', { hint: 'take a grant back with `dash permissions revoke`' });
    const installed = await findInstalled(name, invocation);
    const grants = await makeGrants(
      permissions,
      { mode: 'named', by: 'dash permissions grant', at: new Date().toISOString(), version: installed.version },
      cwd,
    );
    if (globals.dryRun !== true) {
      await addGrants(home, installed.grantKey, grants);
      // Granted again, it is what the tools are now that the user trusts.
      if (permissions.some(({ area }) => area === 'tools:dynamic')) await forgetPinnedTools(home, { name: installed.name, source: installed.grantKey });
    }
    const shown = grants.map(({ permission, project }) => (project === undefined ? permission : `${permission} (in ${project.path})`));
    return {
      kind: 'document',
      document: { granted: grants, package: await viewPackage(installed, invocation.home, invocation.cwd) },
      text: `${globals.dryRun === true ? 'would grant' : 'granted'} ${installed.name}: ${shown.join(', ')}\n`,
    };
  };
};
