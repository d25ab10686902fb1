import { verifyStore } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = () => async (invocation) => {
  const { generation, packages, archives } = await verifyStore({ dashHome: invocation.home, scope: scopeOf(invocation) });
  const text =
    generation === undefined
      ? 'nothing is installed\n'
      : `${packages} package${packages === 1 ? '' : 's'}, ${archives} archive${archives === 1 ? '' : 's'}: every byte is what \`dash.lock\` says\n`;
  return { kind: 'document', document: { ok: true, generation: generation ?? null, packages, archives }, text };
};
