import { open, readFile, stat } from 'node:fs/promises';
import { Type } from '@sinclair/typebox';
import { fitImage } from '../images/fit-image.ts';
import { type ImageSize, imageSize } from '../images/image-size.ts';
import { textAnswer, type ToolAnswer } from '../loop/tool-call.ts';
import { defineTool, type BuiltinTool, type Workspace } from './define-tool.ts';
import { keepHead, MAX_BYTES, MAX_LINES } from './truncate.ts';
import { absolutePath, realPath } from './workspace-path.ts';

/** More than this is not made smaller here. */
const MAX_IMAGE_BYTES = 32 * 1024 * 1024;
/** The size of a photograph stands after a small picture of it. */
const HEAD_BYTES = 256 * 1024;
/** A file is read whole before a piece of it is given. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Reads a text file in pieces, or an image. */
export function readTool({ cwd, images, openFiles }: Workspace): BuiltinTool {
  const real = (path: string): string => realPath(absolutePath(cwd, path));
  return defineTool({
    name: 'read',
    description: `Read a file: text, or an image (png, jpg, gif, webp). Text is cut at ${MAX_LINES} lines or ${MAX_BYTES / 1024} KB; read on with offset.`,
    parameters: Type.Object({
      path: Type.String({ description: 'path of the file, relative or absolute' }),
      offset: Type.Optional(Type.Integer({ minimum: 1, description: 'first line to read, counted from 1' })),
      column: Type.Optional(Type.Integer({ minimum: 1, description: 'first character of that line, to read on in a very long one' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, description: 'how many lines to read' })),
    }),
    accesses: ({ path }) => [{ kind: 'read', path: real(path) }],
    async run({ path, offset = 1, column = 1, limit }, { signal }) {
      const file = real(path);
      // a file that an editor has just begun is not on the disk yet
      const isThere = await stat(file).then(
        () => true,
        () => false,
      );
      const begun = isThere ? undefined : await openFiles.read(file, signal);
      if (begun !== undefined) return textAnswer(pieceOf(begun, path, offset, column, limit));
      const stats = await stat(file);
      if (stats.isDirectory()) throw new Error(`\`${path}\` is a directory; list it with \`ls\``);
      // A pipe or a device may never end.
      if (!stats.isFile()) throw new Error(`\`${path}\` is no file`);
      if (stats.size > MAX_FILE_BYTES) throw new Error(`\`${path}\` has ${stats.size} bytes; look into it with \`bash\`, e.g. \`head\` or \`grep\``);
      const size = imageSize(await firstBytes(file));
      if (size !== undefined) return imageAnswer(file, path, size, stats.size, images());
      const open = await openFiles.read(file, signal);
      if (open !== undefined) return textAnswer(pieceOf(open, path, offset, column, limit));
      const bytes = await readFile(file, { signal });
      if (bytes.subarray(0, 8000).includes(0))
        throw new Error(`\`${path}\` is binary (${bytes.length} bytes); look into it with \`bash\`, e.g. \`xxd\` or \`file\``);
      return textAnswer(pieceOf(bytes.toString('utf8'), path, offset, column, limit));
    },
  });
}

function pieceOf(whole: string, path: string, offset: number, column: number, limit: number | undefined): string {
  const lines = whole.split('\n');
  if (offset > lines.length) throw new Error(`offset ${offset} is beyond the end of \`${path}\`, which has ${lines.length} lines`);
  const wanted = lines.slice(offset - 1, limit === undefined ? undefined : offset - 1 + limit);
  wanted[0] = wanted[0]?.slice(column - 1) ?? '';
  const { text, truncated, keptLines } = keepHead(wanted.join('\n'));
  if (truncated && keptLines === 1 && text.length < wanted[0].length)
    return `${text}\n\n[line ${offset} goes on; read on with offset=${offset} column=${column + text.length}]`;
  const next = offset + keptLines;
  const rest = lines.length - next + 1;
  return truncated || rest > 0 ? `${text}\n\n[${rest} more lines; read on with offset=${next}]` : text;
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function imageAnswer(file: string, path: string, size: ImageSize, bytes: number, images: ReturnType<Workspace['images']>): Promise<ToolAnswer> {
  const { mimeType, width, height } = size;
  const words = `image ${path} (${mimeType}, ${width} × ${height} pixels, ${bytes} bytes)`;
  if (images.block) return textAnswer(`${words}: not shown, the user keeps images from models`);
  if (bytes > MAX_IMAGE_BYTES) throw new Error(`${words} is larger than ${MAX_IMAGE_BYTES} bytes; make a smaller one with \`bash\``);
  const content = await readFile(file);
  const image = { type: 'image', data: content.toString('base64'), mimeType } as const;
  // what the session keeps is what the model saw, not a photograph of ten times the size
  const fitted = await fitImage(image, images);
  if (fitted.kind === 'left out') throw new Error(`${words} cannot be shown: ${fitted.why}; make a smaller one with \`bash\``);
  const note = fitted.kind === 'smaller' ? `, shown smaller: ${fitted.note}` : '';
  return { content: [{ type: 'text', text: `${words}${note}` }, fitted.kind === 'smaller' ? fitted.image : image], isError: false };
}
