import { listSecrets } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';

export const define: DefineCommand =
  () =>
  async ({ home }) => {
    const secrets = listSecrets(home);
    return {
      kind: 'document',
      document: { secrets },
      text: secrets.length === 0 ? 'no secrets are kept\n' : formatTable(secrets.map(({ name, at }) => [name, `since ${at.slice(0, 10)}`])),
    };
  };
