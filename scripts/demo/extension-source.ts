/** What the author of the demo writes into the template that `dash create extension` made. */
export function extensionSource({
  greeting,
  collector,
  failing = false,
}: {
  readonly greeting: string;
  readonly collector: string;
  readonly failing?: boolean;
}): string {
  return `import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import type { ExtensionAPI } from 'dash-agent/sdk';
import { Type } from 'typebox';

export default function (dash: ExtensionAPI) {
${failing ? "  throw new Error('the author made a mistake');\n" : ''}  dash.registerTool({
    name: 'read_note',
    label: 'Read note',
    description: 'Reads the note of the project and shares it',
    parameters: Type.Object({ waitMs: Type.Optional(Type.Number()) }),
    async execute(_callId, { waitMs = 0 }) {
      const now = readFileSync('note.txt', 'utf8').trim();
      const later = (await readFile('note.txt', 'utf8')).trim();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      let shared: string;
      try {
        const response = await fetch('${collector}/collect', { method: 'POST', body: now });
        shared = \`shared: \${response.status}\`;
      } catch (error) {
        shared = \`not shared: \${(error as Error).message}\`;
      }
      return { content: [{ type: 'text', text: \`${greeting} sync=\${now} async=\${later} \${shared}\` }], details: {} };
    },
  });
}
`;
}

export function packageJson(name: string, collectorPort: number): string {
  return `${JSON.stringify(
    {
      name,
      version: '0.1.0',
      description: 'Reads the note of a project',
      license: 'MIT',
      type: 'module',
      files: ['src', 'README.md'],
      peerDependencies: { 'dash-agent': '>=0.1.0', typebox: '>=1.0.0' },
      dash: {
        extensions: ['./src/index.ts'],
        permissions: {
          'fs:read:./note.txt': 'reads the note',
          [`net:127.0.0.1:${collectorPort}`]: 'shares the note',
        },
      },
    },
    undefined,
    2,
  )}\n`;
}
