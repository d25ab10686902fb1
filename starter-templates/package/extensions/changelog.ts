import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExtensionAPI } from 'dash-agent/sdk';
import { Type } from 'typebox';

export default function (dash: ExtensionAPI) {
  dash.registerTool({
    name: 'latest_changes',
    label: 'Latest changes',
    description: 'Reads the newest entries of CHANGELOG.md',
    parameters: Type.Object({
      entries: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, description: 'How many versions; default 1' })),
    }),
    async execute(_callId, { entries = 1 }, _signal, _onUpdate, ctx) {
      const changelog = await readFile(join(ctx.cwd, 'CHANGELOG.md'), 'utf8');
      const [, ...versions] = changelog.split(/^(?=## )/m);
      const text = versions.slice(0, entries).join('').trim();
      return { content: [{ type: 'text', text: text || 'CHANGELOG.md has no entry yet' }], details: { versions: versions.length } };
    },
  });
}
