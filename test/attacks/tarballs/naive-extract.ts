import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { constants, gunzipSync, inflateRawSync } from 'node:zlib';

/** What an unpacker does that believes its input: it joins names to the target and follows every header. */
export function naiveExtract(tarball: Buffer, target: string): string[] {
  const archive = unzip(tarball);
  const written: string[] = [];
  let long: string | undefined;
  for (let at = 0; at + 512 <= archive.length;) {
    const header = archive.subarray(at, at + 512);
    const field = (start: number, length: number) => header.toString('utf8', start, start + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12).trim() || '0', 8) || 0;
    const data = archive.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
    const type = field(156, 1);
    if (header.every((byte) => byte === 0) || type === 'g') continue;
    if (type === 'x' || type === 'L') {
      long = type === 'L' ? data.toString().replace(/\0$/, '') : /\d+ path=(.*)\n/.exec(data.toString())?.[1];
      continue;
    }
    const name = long ?? (field(345, 155) === '' ? field(0, 100) : `${field(345, 155)}/${field(0, 100)}`);
    long = undefined;
    written.push(name);
    const path = `${target}/${name}`.replaceAll('\0', '');
    try {
      if (type === '5' || name.endsWith('/')) mkdirSync(path, { recursive: true });
      else {
        mkdirSync(dirname(path), { recursive: true });
        if (type === '2') symlinkSync(field(157, 100), path);
        else if (type === '1') linkSync(`${target}/${field(157, 100)}`, path);
        else writeFileSync(path, data);
      }
    } catch {
      // skips what this file system cannot hold, silently, as such programs do
    }
  }
  return written;
}

function unzip(tarball: Buffer): Buffer {
  if (tarball[0] !== 0x1f) return tarball;
  try {
    return gunzipSync(tarball, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return inflateRawSync(tarball.subarray(10), { finishFlush: constants.Z_SYNC_FLUSH });
  }
}
