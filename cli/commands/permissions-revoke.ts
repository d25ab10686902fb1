import { DashError, formatPermission, parsePermission } from '../../format/index.ts';
import { listGrants, revokeGrants, viewPackage } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'an installed package').argument('[permission...]', 'what to take back').option('--all', 'everything, in every project');
  return async (invocation) => {
    const { home, globals } = invocation;
    const [name = '', ...texts] = command.args;
    const { all } = command.opts<{ readonly all?: boolean }>();
    if (texts.length === 0 && all !== true) throw new DashError('USAGE', 'what should be taken back?', { hint: 'name permissions, or say `--all`' });
    const permissions = all === true ? undefined : texts.map((text) => formatPermission(parsePermission(text)));
    const installed = await findInstalled(name, invocation);
    const held = await listGrants(home, installed.grantKey);
    const missing = permissions?.find((permission) => !held.some((grant) => grant.permission === permission));
    if (missing !== undefined) {
      throw new DashError('USAGE', `\`${missing}\` is not granted to \`${installed.name}\``, {
        hint: `\`dash permissions list ${installed.name}\` shows what is`,
      });
    }
    const revoked =
      globals.dryRun === true
        ? held.filter(({ permission }) => permissions?.includes(permission) ?? true)
        : await revokeGrants(home, installed.grantKey, permissions);
    return {
      kind: 'document',
      document: { revoked, package: await viewPackage(installed, invocation.home, invocation.cwd) },
      text: `${globals.dryRun === true ? 'would take back' : 'took back'} ${installed.name}: ${revoked.map(({ permission }) => permission).join(', ') || 'nothing was granted'}\n`,
    };
  };
};
