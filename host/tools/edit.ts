import { Type } from '@sinclair/typebox';
import { CHANGE, textAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { diffOf, firstChangedLine } from './diff.ts';
import { inTurn } from './file-queue.ts';
import { readTextFile, writeTextFile } from './text-file.ts';
import { absolutePath, realPath } from './workspace-path.ts';

export interface Replacement {
  readonly oldText: string;
  readonly newText: string;
}

/** Replaces exact, unique pieces of a file. */
export function editTool({ cwd, openFiles }: Workspace): BuiltinTool {
  const real = (path: string): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'edit',
    description: 'Replace pieces of a file. Every oldText must occur exactly once in the file as it is now; the pieces must not overlap.',
    parameters: Type.Object({
      path: Type.String({ description: 'path of the file, relative or absolute' }),
      edits: Type.Array(
        Type.Object({
          oldText: Type.String({ minLength: 1, description: 'exact text to replace, unique in the file' }),
          newText: Type.String({ description: 'text to put in its place' }),
        }),
        { minItems: 1, description: 'all replacements of this call, each matched against the original file' },
      ),
    }),
    accesses: ({ path }) => [
      { kind: 'read', path: real(path) },
      { kind: 'write', path: real(path) },
    ],
    preview: async ({ path, edits }) => {
      const { text } = await readTextFile(real(path), path, openFiles);
      return { path: real(path), before: text, after: replaceAll(text, edits, path) };
    },
    run: ({ path, edits }, { signal }) => {
      const file = real(path);
      return inTurn(file, async () => {
        const { text, encode } = await readTextFile(file, path, openFiles, signal);
        const changed = replaceAll(text, edits, path);
        await writeTextFile(file, encode(changed), openFiles, signal);
        const answer = textAnswer(`replaced ${edits.length} ${edits.length === 1 ? 'piece' : 'pieces'} of ${path}`, {
          diff: diffOf(text, changed),
          firstChangedLine: firstChangedLine(text, changed),
        });
        return { ...answer, [CHANGE]: { path: file, before: text, after: changed } };
      });
    },
  });
}

/** Applies all replacements to the original text at once. @throws when a piece is missing, repeated or overlaps another */
export function replaceAll(text: string, edits: readonly Replacement[], path: string): string {
  const found = edits
    .map(({ oldText, newText }, index) => {
      const start = text.indexOf(oldText);
      if (start === -1) throw new Error(`edits[${index}].oldText does not occur in \`${path}\`; it must match exactly, white space included`);
      if (text.indexOf(oldText, start + 1) !== -1)
        throw new Error(`edits[${index}].oldText occurs more than once in \`${path}\`; add surrounding text to make it unique`);
      return { start, end: start + oldText.length, newText, index };
    })
    .sort((a, b) => a.start - b.start);
  let result = '';
  let position = 0;
  for (const { start, end, newText, index } of found) {
    if (start < position) throw new Error(`edits[${index}] overlaps another edit in \`${path}\`; merge them`);
    result += text.slice(position, start) + newText;
    position = end;
  }
  result += text.slice(position);
  if (result === text) throw new Error(`the edits change nothing in \`${path}\``);
  return result;
}
