import { verifyStore } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = () => async (invocation) => {
  const { generation, packages, archives, compiled } = await verifyStore({ dashHome: invocation.home, scope: scopeOf(invocation) });
  const text =
    generation === undefined
      ? 'nothing is installed\n'
      : `${[count(packages, 'package'), count(archives, 'archive'), count(compiled, 'compiled extension')].join(', ')}: every byte is what was installed\n`;
  return { kind: 'document', document: { ok: true, generation: generation ?? null, packages, archives, compiled }, text };
};

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
