import { promisify } from 'node:util';
import { crc32, inflateRaw, type InputType, type ZlibOptions } from 'node:zlib';

import { isErrno } from '../store/file-errors.ts';
import { hostile } from '../verify/hostile.ts';

/**
 * Unpacks exactly one gzip member. Node's own gunzip takes concatenated members and passes over what follows them,
 * so two readers could see two archives.
 *
 * @throws {DashError} HOSTILE_PACKAGE
 */
export async function gunzipStrictly(input: Buffer, maxBytes: number): Promise<Buffer> {
  const start = headerLength(input);
  const { data, used } = await inflate(input.subarray(start), maxBytes);
  const trailer = start + used;
  if (input.length < trailer + 8) throw hostile('GZIP_CORRUPT', 'the archive ends in the middle');
  if (input.length > trailer + 8) throw hostile('GZIP_TRAILING_DATA', `${input.length - trailer - 8} bytes follow the end of the compressed data`);
  if (input.readUInt32LE(trailer) !== crc32(data) || input.readUInt32LE(trailer + 4) !== data.length % 2 ** 32) {
    throw hostile('GZIP_CORRUPT', 'the checksum of the compressed data is wrong');
  }
  return data;
}

/** Skips the header of RFC 1952. */
function headerLength(input: Buffer): number {
  if (input.length < 18 || input[0] !== 0x1f || input[1] !== 0x8b || input[2] !== 8) throw hostile('GZIP_INVALID', 'the archive is not compressed with gzip');
  const flags = input[3] ?? 0;
  if ((flags & 0xe0) !== 0) throw hostile('GZIP_INVALID', 'the header of the compressed data sets reserved bits');
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + input.readUInt16LE(at);
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue;
    const end = input.indexOf(0, at);
    if (end < 0) throw hostile('GZIP_INVALID', 'the header of the compressed data has no end');
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  if (at >= input.length) throw hostile('GZIP_INVALID', 'the header of the compressed data has no end');
  return at;
}

/** The last four bytes are the length, or a lie: in one piece it takes one turn through the thread pool instead of dozens. */
function chunkSizeFor(input: Buffer): number {
  const claimed = input.readUInt32LE(input.length - 4);
  return Math.min(Math.max(claimed + 1, 16 * 1024), 4 * 1024 * 1024);
}

/** With `info` the callback also gives the engine, which knows how much of the input it used; Node's types leave that out. */
const inflateWithInfo: (input: InputType, options: ZlibOptions) => Promise<unknown> = promisify(inflateRaw);

async function inflate(input: Buffer, maxBytes: number): Promise<{ data: Buffer; used: number }> {
  let reply: unknown;
  try {
    reply = await inflateWithInfo(input, { info: true, maxOutputLength: maxBytes, chunkSize: chunkSizeFor(input) });
  } catch (error) {
    if (isErrno(error, 'ERR_BUFFER_TOO_LARGE')) throw hostile('TOO_LARGE', `more than ${maxBytes} bytes unpacked`);
    if (isErrno(error, 'Z_BUF_ERROR', 'Z_DATA_ERROR', 'Z_NEED_DICT')) throw hostile('GZIP_CORRUPT', 'the compressed data is damaged');
    throw error;
  }
  if (!isInflated(reply)) throw new Error('zlib gave no engine');
  return { data: reply.buffer, used: reply.engine.bytesWritten };
}

function isInflated(reply: unknown): reply is { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } } {
  return typeof reply === 'object' && reply !== null && 'buffer' in reply && Buffer.isBuffer(reply.buffer) && 'engine' in reply;
}
