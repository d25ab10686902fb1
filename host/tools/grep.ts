import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, matchesGlob } from 'node:path';
import { Type } from '@sinclair/typebox';
import { textAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { filesBelow } from './files-below.ts';
import { lineMatcher } from './line-matcher.ts';
import { keepHead } from './truncate.ts';
import { absolutePath, realPath } from './workspace-path.ts';

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 500;
// Bounds what an expression that backtracks can cost.
const MAX_TESTED_LENGTH = 5000;

/** Searches the contents of files. */
export function grepTool({ cwd, searchable }: Workspace): BuiltinTool {
  const real = (path = '.'): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'grep',
    description:
      'Search the contents of files for a pattern; gives matching lines with file and line number. .git, node_modules and what git ignores are left out.',
    parameters: Type.Object({
      pattern: Type.String({ minLength: 1, description: 'regular expression or literal text' }),
      path: Type.Optional(Type.String({ description: 'directory or file to search; the working directory by default' })),
      glob: Type.Optional(Type.String({ description: 'only files like this, e.g. *.ts or src/**/*.ts' })),
      ignoreCase: Type.Optional(Type.Boolean()),
      literal: Type.Optional(Type.Boolean({ description: 'take the pattern as text' })),
      context: Type.Optional(Type.Number({ minimum: 0, maximum: 20, description: 'lines before and after each match' })),
      limit: Type.Optional(Type.Number({ minimum: 1, maximum: 1000, description: 'most matches to give; 100 by default' })),
    }),
    accesses: ({ path }) => [{ kind: 'read', path: real(path) }],
    async run({ pattern, path, glob, ignoreCase = false, literal = false, context = 0, limit = 100 }, { signal }) {
      const root = real(path);
      const matches = lineMatcher(literal ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : pattern, ignoreCase ? 'i' : '');
      const isDirectory = (await stat(root)).isDirectory();
      const files = isDirectory ? filesBelow(root, signal) : [basename(root)];
      const found: string[] = [];
      let count = 0;
      for await (const file of files) {
        if (glob !== undefined && !matchesGlob(file, glob) && !matchesGlob(basename(file), glob)) continue;
        const full = join(isDirectory ? root : dirname(root), file);
        // A file that was named itself has been approved; one that a search comes across has not.
        if (isDirectory && !searchable(full)) continue;
        const lines = await linesOf(full);
        const hits = matches(lines.map((line) => line.slice(0, MAX_TESTED_LENGTH)));
        const room = hits.slice(0, limit - count);
        count += room.length;
        let shown = -1;
        for (const at of room) {
          // Lines between two matches that are close stand there once.
          for (let near = Math.max(at - context, shown + 1); near <= Math.min(at + context, lines.length - 1); near += 1) {
            const sign = hits.includes(near) ? ':' : '-';
            found.push(`${file}${sign}${near + 1}${sign} ${lines[near]?.slice(0, MAX_LINE_LENGTH)}`);
            shown = near;
          }
        }
        if (room.length < hits.length) {
          found.push(`[more than ${limit} matches; narrow the pattern or raise limit]`);
          break;
        }
      }
      const { text, truncated } = keepHead(found.join('\n'));
      return textAnswer(count === 0 ? 'no matches' : truncated ? `${text}\n\n[cut; narrow the pattern]` : text);
    },
  });
}

async function linesOf(file: string): Promise<readonly string[]> {
  if ((await stat(file)).size > MAX_FILE_BYTES) return [];
  const text = await readFile(file, 'utf8');
  // A zero byte near the beginning is what git takes for binary.
  return text.slice(0, 8000).includes('\0') ? [] : text.split('\n');
}
