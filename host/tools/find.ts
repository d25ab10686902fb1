import { basename, matchesGlob } from 'node:path';
import { Type } from '@sinclair/typebox';
import { textAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { filesBelow } from './files-below.ts';
import { keepHead } from './truncate.ts';
import { absolutePath, realPath } from './workspace-path.ts';

/** Finds files by name. */
export function findTool({ cwd }: Workspace): BuiltinTool {
  const real = (path = '.'): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'find',
    description:
      'Find files by a glob pattern, e.g. *.ts, **/*.json or src/**/*.test.ts; gives paths relative to the directory searched. .git, node_modules and what git ignores are left out.',
    parameters: Type.Object({
      pattern: Type.String({ minLength: 1, description: 'glob pattern' }),
      path: Type.Optional(Type.String({ description: 'directory to search; the working directory by default' })),
      limit: Type.Optional(Type.Number({ minimum: 1, maximum: 10_000, description: 'most files to give; 1000 by default' })),
    }),
    accesses: ({ path }) => [{ kind: 'read', path: real(path) }],
    async run({ pattern, path, limit = 1000 }, { signal }) {
      const found: string[] = [];
      let more = false;
      for await (const file of filesBelow(real(path), signal)) {
        if (!matchesGlob(file, pattern) && !matchesGlob(basename(file), pattern)) continue;
        more = found.length === limit;
        if (more) break;
        found.push(file);
      }
      if (found.length === 0) return textAnswer('no files found');
      const { text, truncated } = keepHead(found.join('\n'));
      return textAnswer(more || truncated ? `${text}\n\n[there are more; narrow the pattern or raise limit]` : text);
    },
  });
}
