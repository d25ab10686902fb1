import { readdir } from 'node:fs/promises';
import { Type } from '@sinclair/typebox';
import { textAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { keepHead } from './truncate.ts';
import { absolutePath, realPath } from './workspace-path.ts';

/** Lists a directory. */
export function lsTool({ cwd }: Workspace): BuiltinTool {
  const real = (path = '.'): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'ls',
    description: 'List a directory in the order of names; directories end with /.',
    parameters: Type.Object({
      path: Type.Optional(Type.String({ description: 'directory; the working directory by default' })),
      limit: Type.Optional(Type.Number({ minimum: 1, maximum: 10_000, description: 'most entries to give; 500 by default' })),
    }),
    accesses: ({ path }) => [{ kind: 'read', path: real(path) }],
    async run({ path, limit = 500 }) {
      const entries = await readdir(real(path), { withFileTypes: true });
      const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
      const { text, truncated } = keepHead(names.slice(0, limit).join('\n'));
      if (names.length === 0) return textAnswer('(empty directory)');
      return textAnswer(names.length > limit || truncated ? `${text}\n\n[${names.length} entries in all; raise limit]` : text);
    },
  });
}
