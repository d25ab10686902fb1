import { readFile } from 'node:fs/promises';
import { Type } from '@sinclair/typebox';
import { textAnswer } from '../tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { keepHead, MAX_BYTES, MAX_LINES } from './truncate.ts';
import { absolutePath, realPath } from './workspace-path.ts';

const IMAGE_TYPES: Readonly<Record<string, string>> = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' };

/** Reads a text file in pieces, or an image. */
export function readTool({ cwd }: Workspace): BuiltinTool {
  const real = (path: string): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'read',
    description: `Read a file: text, or an image (png, jpg, gif, webp). Text is cut at ${MAX_LINES} lines or ${MAX_BYTES / 1024} KB; read on with offset.`,
    parameters: Type.Object({
      path: Type.String({ description: 'path of the file, relative or absolute' }),
      offset: Type.Optional(Type.Number({ minimum: 1, description: 'first line to read, counted from 1' })),
      limit: Type.Optional(Type.Number({ minimum: 1, description: 'how many lines to read' })),
    }),
    accesses: ({ path }) => [{ kind: 'read', path: real(path) }],
    async run({ path, offset = 1, limit }, { signal }) {
      const file = real(path);
      const mimeType = IMAGE_TYPES[/\.(\w+)$/.exec(file)?.[1]?.toLowerCase() ?? ''];
      const bytes = await readFile(file, { signal });
      if (mimeType !== undefined) {
        return {
          content: [
            { type: 'text', text: `image ${path} (${mimeType}, ${bytes.length} bytes)` },
            { type: 'image', data: bytes.toString('base64'), mimeType },
          ],
          isError: false,
        };
      }
      const lines = bytes.toString('utf8').split('\n');
      if (offset > lines.length) throw new Error(`offset ${offset} is beyond the end of \`${path}\`, which has ${lines.length} lines`);
      const wanted = lines.slice(offset - 1, limit === undefined ? undefined : offset - 1 + limit);
      const { text, truncated, keptLines } = keepHead(wanted.join('\n'));
      const next = offset + keptLines;
      const rest = lines.length - next + 1;
      return textAnswer(truncated || rest > 0 ? `${text}\n\n[${rest} more lines; read on with offset=${next}]` : text);
    },
  });
}
