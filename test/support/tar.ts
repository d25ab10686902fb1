import { gzipSync } from 'node:zlib';

/** One raw tar entry, for archives that are right and for archives that are not. */
export interface TarEntry {
  readonly path: string | Buffer;
  readonly data?: Buffer | string;
  /** Default `0`, a plain file. */
  readonly type?: string;
  readonly linkname?: string;
  /** What the header says, when it lies. */
  readonly size?: number;
  readonly sizeField?: Buffer;
  readonly prefix?: string | Buffer;
  readonly magic?: string;
  readonly checksum?: number;
  readonly mode?: number;
}

export const END = Buffer.alloc(1024);

/** An archive as npm would make it of these files, with `package/` around them. */
export function packTarball(files: Readonly<Record<string, string | Buffer>>): Buffer {
  return gzipSync(tar(Object.entries(files).map(([path, data]) => ({ path: `package/${path}`, data }))));
}

/** Entries and the end marker. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), END]);
}

export function tarEntry({
  path,
  data = '',
  type = '0',
  linkname = '',
  size,
  sizeField,
  prefix = '',
  magic = 'ustar\x0000',
  checksum,
  mode = 0o644,
}: TarEntry): Buffer {
  const content = Buffer.from(data);
  const header = Buffer.alloc(512);
  Buffer.from(path).copy(header, 0, 0, 100);
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100, 'latin1');
  header.write('0000000\x000000000\0', 108, 'latin1');
  (sizeField ?? Buffer.from(`${(size ?? content.length).toString(8).padStart(11, '0')}\0`)).copy(header, 124, 0, 12);
  header.write('00000000000\0', 136, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(linkname, 157, 100, 'utf8');
  header.write(magic, 257, 'latin1');
  Buffer.from(prefix).copy(header, 345, 0, 155);
  const sum = checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A record of a pax header. */
export function pax(values: Readonly<Record<string, string>>, type: 'x' | 'g' = 'x'): Buffer {
  const records = Object.entries(values).map(([key, value]) => {
    const body = Buffer.byteLength(` ${key}=${value}\n`);
    let length = body + String(body).length;
    if (String(length).length !== String(body).length) length = body + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return tarEntry({ path: 'PaxHeader/x', data: records.join(''), type });
}
