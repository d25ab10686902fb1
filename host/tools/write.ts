import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Type } from '@sinclair/typebox';
import { textAnswer } from '../tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { inTurn } from './file-queue.ts';
import { absolutePath, realPath } from './workspace-path.ts';

/** Writes a whole file. */
export function writeTool({ cwd }: Workspace): BuiltinTool {
  const real = (path: string): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'write',
    description: 'Write a file, with all its content. Directories on the way are made; a file that exists is replaced.',
    parameters: Type.Object({
      path: Type.String({ description: 'path of the file, relative or absolute' }),
      content: Type.String({ description: 'the whole content' }),
    }),
    accesses: ({ path }) => [{ kind: 'write', path: real(path) }],
    run: ({ path, content }, { signal }) => {
      const file = real(path);
      return inTurn(file, async () => {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content, { signal });
        return textAnswer(`wrote ${Buffer.byteLength(content)} bytes to ${path}`);
      });
    },
  });
}
