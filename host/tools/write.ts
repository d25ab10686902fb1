import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Type } from '@sinclair/typebox';
import { CHANGE, textAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { diffOf } from './diff.ts';
import { inTurn } from './file-queue.ts';
import type { OpenFiles } from './open-files.ts';
import { writeTextFile } from './text-file.ts';
import { absolutePath, realPath } from './workspace-path.ts';

/** Writes a whole file. */
export function writeTool({ cwd, openFiles }: Workspace): BuiltinTool {
  const real = (path: string): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'write',
    description: 'Write a file, with all its content. Directories on the way are made; a file that exists is replaced.',
    parameters: Type.Object({
      path: Type.String({ description: 'path of the file, relative or absolute' }),
      content: Type.String({ description: 'the whole content' }),
    }),
    accesses: ({ path }) => [{ kind: 'write', path: real(path) }],
    preview: async ({ path, content }) => ({ path: real(path), before: await textOf(real(path), openFiles), after: content }),
    run: ({ path, content }, { signal }) => {
      const file = real(path);
      return inTurn(file, async () => {
        const before = await textOf(file, openFiles, signal);
        await mkdir(dirname(file), { recursive: true });
        await writeTextFile(file, content, openFiles, signal);
        const details = { diff: diffOf(before ?? '', content), isNew: before === undefined };
        return { ...textAnswer(`wrote ${Buffer.byteLength(content)} bytes to ${path}`, details), [CHANGE]: { path: file, before, after: content } };
      });
    },
  });
}

/** What is there now; a file too large to be compared, or one that is no text, is replaced like any other. */
async function textOf(file: string, openFiles: OpenFiles, signal?: AbortSignal): Promise<string | undefined> {
  const open = await openFiles.read(file, signal);
  if (open !== undefined) return open;
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) return undefined;
  return stats.isFile() && stats.size <= MAX_COMPARED_BYTES ? readFile(file, 'utf8') : '';
}

const MAX_COMPARED_BYTES = 1024 * 1024;
