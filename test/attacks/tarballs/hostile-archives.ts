import { deflateRawSync, gzipSync } from 'node:zlib';

import type { HostileReason } from '../../../registry/verify/hostile.ts';
import { END, pax, tar, tarEntry, type TarEntry } from '../../support/tar.ts';

export interface HostileArchive {
  readonly what: string;
  readonly reason: HostileReason;
  readonly tarball: Buffer;
}

const manifest: TarEntry = { path: 'package/package.json', data: JSON.stringify({ name: 'evil', version: '1.0.0', dash: { skills: ['SKILL.md'] } }) };
const skill: TarEntry = { path: 'package/SKILL.md', data: '---\nname: evil\ndescription: x\n---\n' };
const good = [manifest, skill];
const archive = (...entries: readonly TarEntry[]) => gzipSync(tar([...good, ...entries]));
const file = (path: string, data = 'payload') => archive({ path: `package/${path}`, data });
const raw = (...parts: readonly Buffer[]) => gzipSync(Buffer.concat(parts));
const body = Buffer.concat(good.map(tarEntry));
const whole = gzipSync(tar(good));

/** Every archive would unpack somewhere; none of them may here. */
export const HOSTILE_ARCHIVES: readonly HostileArchive[] = [
  // entries that are not plain files
  { what: 'a symbolic link', reason: 'TAR_SYMLINK', tarball: archive({ path: 'package/link', type: '2', linkname: '/etc/passwd' }) },
  {
    what: 'a link to a directory and a file written through it',
    reason: 'TAR_SYMLINK',
    tarball: archive({ path: 'package/out', type: '2', linkname: '../../..' }, { path: 'package/out/escaped', data: 'payload' }),
  },
  { what: 'a hard link', reason: 'TAR_HARDLINK', tarball: archive({ path: 'package/link', type: '1', linkname: 'package/package.json' }) },
  { what: 'a character device', reason: 'TAR_DEVICE', tarball: archive({ path: 'package/null', type: '3' }) },
  { what: 'a block device', reason: 'TAR_DEVICE', tarball: archive({ path: 'package/disk', type: '4' }) },
  { what: 'a named pipe', reason: 'TAR_DEVICE', tarball: archive({ path: 'package/pipe', type: '6' }) },
  { what: 'an entry of an unknown type', reason: 'TAR_UNKNOWN_TYPE', tarball: archive({ path: 'package/odd', type: 'Z', data: 'payload' }) },
  { what: 'a long link name', reason: 'TAR_UNKNOWN_TYPE', tarball: archive({ path: 'x', type: 'K', data: '/etc/passwd' }) },
  { what: 'a GNU sparse file', reason: 'TAR_SPARSE', tarball: archive({ path: 'package/sparse', type: 'S', data: 'payload' }) },
  {
    what: 'a pax sparse file',
    reason: 'TAR_SPARSE',
    tarball: raw(body, pax({ 'GNU.sparse.major': '1' }), tarEntry({ path: 'package/sparse', data: 'x' }), END),
  },

  // names that leave the package
  { what: 'a file above the package', reason: 'PATH_TRAVERSAL', tarball: file('../../escaped') },
  { what: 'dots in the middle of a path', reason: 'PATH_TRAVERSAL', tarball: file('a/../../../escaped') },
  { what: 'a root directory of dots', reason: 'PATH_TRAVERSAL', tarball: gzipSync(tar([{ path: '../package.json', data: '{}' }])) },
  { what: 'an absolute path', reason: 'PATH_ABSOLUTE', tarball: archive({ path: '/tmp/dash-escaped', data: 'payload' }) },
  { what: 'dots in the ustar prefix', reason: 'PATH_TRAVERSAL', tarball: archive({ path: 'escaped', prefix: 'package/../..', data: 'payload' }) },
  {
    what: 'dots in a pax path',
    reason: 'PATH_TRAVERSAL',
    tarball: raw(body, pax({ path: 'package/../../escaped' }), tarEntry({ path: 'package/harmless', data: 'x' }), END),
  },
  {
    what: 'dots in a GNU long name',
    reason: 'PATH_TRAVERSAL',
    tarball: archive({ path: '././@LongLink', type: 'L', data: 'package/../../escaped\0' }, { path: 'package/harmless', data: 'x' }),
  },
  { what: 'a drive letter', reason: 'PATH_DRIVE', tarball: archive({ path: 'C:/escaped', data: 'payload' }) },
  { what: 'a backslash', reason: 'PATH_BACKSLASH', tarball: file('..\\..\\escaped') },

  // names that are not what they look like
  {
    what: 'a NUL in a pax path',
    reason: 'PATH_NUL',
    tarball: raw(body, pax({ path: 'package/a\0.js' }), tarEntry({ path: 'package/harmless', data: 'x' }), END),
  },
  { what: 'bytes behind the NUL of a name', reason: 'PATH_NUL', tarball: archive({ path: Buffer.from('package/a.js\0hidden'), data: 'payload' }) },
  {
    what: 'a name where older packers keep times',
    reason: 'PATH_NUL',
    tarball: archive({ path: 'package/a.js', prefix: Buffer.concat([Buffer.alloc(131), Buffer.from('../../escaped')]), data: 'payload' }),
  },
  { what: 'a newline in a name', reason: 'PATH_CONTROL', tarball: file('a\nb.js') },
  { what: 'an escape sequence in a name', reason: 'PATH_CONTROL', tarball: file('\u001B[2Ja.js') },
  { what: 'a name that reads backwards', reason: 'PATH_INVISIBLE', tarball: file('cod\u202Etxt.js') },
  { what: 'a zero-width space in a name', reason: 'PATH_INVISIBLE', tarball: file('pack\u200Bage.js') },
  {
    what: 'a name that is not UTF-8',
    reason: 'PATH_NOT_UTF8',
    tarball: archive({ path: Buffer.from([...Buffer.from('package/'), 0xff, 0xfe]), data: 'payload' }),
  },
  {
    what: 'an overlong encoding of a slash',
    reason: 'PATH_NOT_UTF8',
    tarball: archive({ path: Buffer.from([...Buffer.from('package/..'), 0xc0, 0xaf]), data: 'payload' }),
  },
  { what: 'two names that differ in case', reason: 'TWIN_PATHS', tarball: archive({ path: 'package/skill.MD', data: 'payload' }) },
  {
    what: 'two directories that differ in case',
    reason: 'TWIN_PATHS',
    tarball: archive({ path: 'package/lib/a', data: '1' }, { path: 'package/LIB/b', data: '2' }),
  },
  {
    what: 'two spellings of one accent',
    reason: 'TWIN_PATHS',
    tarball: archive({ path: 'package/caf\u00E9', data: '1' }, { path: 'package/cafe\u0301', data: '2' }),
  },
  { what: 'one path twice', reason: 'DUPLICATE_PATH', tarball: file('SKILL.md') },
  { what: 'two manifests', reason: 'DUPLICATE_PATH', tarball: archive(manifest) },
  { what: 'a file where another needs a directory', reason: 'FILE_AND_DIRECTORY', tarball: file('SKILL.md/inside') },
  { what: 'an empty segment', reason: 'PATH_EMPTY', tarball: file('a//b') },
  { what: 'a segment of one dot', reason: 'PATH_EMPTY', tarball: file('./package.json') },
  { what: 'a device name of Windows', reason: 'PATH_RESERVED_NAME', tarball: file('aux.js') },
  { what: 'a device name with a superscript digit', reason: 'PATH_RESERVED_NAME', tarball: file('COM\u00B9') },
  { what: 'a name with a final dot', reason: 'PATH_TRAILING_DOT', tarball: file('package.json.') },
  { what: 'a name with a final space', reason: 'PATH_TRAILING_DOT', tarball: file('package.json ') },
  { what: 'a git directory', reason: 'PATH_FORBIDDEN_NAME', tarball: file('.git/config', '[core]\nfsmonitor=payload') },
  { what: 'a git directory in other letters', reason: 'PATH_FORBIDDEN_NAME', tarball: file('sub/.GIT/config') },
  { what: 'an .npmrc', reason: 'PATH_FORBIDDEN_NAME', tarball: file('.npmrc', 'registry=http://attacker.invalid') },
  {
    what: 'a segment of 300 bytes',
    reason: 'PATH_TOO_LONG',
    tarball: raw(body, pax({ path: `package/${'a'.repeat(300)}` }), tarEntry({ path: 'package/x', data: 'x' }), END),
  },
  {
    what: 'a path of 2,000 bytes',
    reason: 'PATH_TOO_LONG',
    tarball: raw(body, pax({ path: `package/${'abcdefghi/'.repeat(200)}x` }), tarEntry({ path: 'package/x', data: 'x' }), END),
  },
  { what: 'a path of 40 directories', reason: 'PATH_TOO_DEEP', tarball: file(`${'a/'.repeat(40)}x`) },

  // two readers, two archives
  { what: 'two root directories', reason: 'TAR_TWO_ROOTS', tarball: archive({ path: 'other/package.json', data: '{}' }) },
  { what: 'a file without a directory', reason: 'TAR_NO_ROOT', tarball: archive({ path: 'loose', data: 'payload' }) },
  { what: 'data after the end marker', reason: 'TAR_TRAILING_DATA', tarball: raw(body, END, Buffer.from('junk'.padEnd(512))) },
  { what: 'a second archive after the end marker', reason: 'TAR_TRAILING_DATA', tarball: raw(body, END, tar([{ path: 'package/late', data: 'payload' }])) },
  { what: 'a zero block in the middle', reason: 'TAR_ZERO_BLOCK', tarball: raw(body, Buffer.alloc(512), tar([{ path: 'package/late', data: 'payload' }])) },
  { what: 'no end marker', reason: 'TAR_NO_END', tarball: raw(body) },
  { what: 'half an end marker', reason: 'TAR_NO_END', tarball: raw(body, Buffer.alloc(512)) },
  { what: 'a dropped tail', reason: 'TAR_TRUNCATED', tarball: raw(body, tarEntry({ path: 'package/big', data: 'x'.repeat(5000) }).subarray(0, 2048)) },
  { what: 'a size that leaves the archive', reason: 'TAR_TRUNCATED', tarball: archive({ path: 'package/huge', size: 0o77777777, data: '' }) },
  {
    what: 'a size in base-256',
    reason: 'TAR_HEADER',
    tarball: archive({ path: 'package/x', sizeField: Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), data: 'x' }),
  },
  { what: 'a negative size', reason: 'TAR_HEADER', tarball: archive({ path: 'package/x', sizeField: Buffer.from('-0000000001\0'), data: '' }) },
  { what: 'a directory with content', reason: 'TAR_HEADER', tarball: archive({ path: 'package/dir/', type: '5', data: 'payload' }) },
  { what: 'a file with the name of a directory', reason: 'TAR_HEADER', tarball: archive({ path: 'package/dir/', data: 'payload' }) },
  { what: 'a wrong checksum in a header', reason: 'TAR_CHECKSUM', tarball: archive({ path: 'package/x', checksum: 1, data: 'x' }) },
  {
    what: 'a pax record of the wrong length',
    reason: 'TAR_PAX',
    tarball: raw(body, tarEntry({ path: 'PaxHeader', type: 'x', data: '99 path=package/x\n' }), tarEntry({ path: 'package/y', data: 'y' }), END),
  },
  { what: 'a global header that renames', reason: 'TAR_PAX', tarball: raw(pax({ path: 'package/package.json' }, 'g'), body, END) },
  { what: 'an extended header before no entry', reason: 'TAR_PAX', tarball: raw(body, pax({ path: 'package/late' }), END) },
  { what: 'a second gzip member', reason: 'GZIP_TRAILING_DATA', tarball: Buffer.concat([whole, gzipSync(tar([{ path: 'package/late', data: 'payload' }]))]) },
  { what: 'data after the compressed archive', reason: 'GZIP_TRAILING_DATA', tarball: Buffer.concat([whole, Buffer.from('#!/bin/sh\npayload\n')]) },
  {
    what: 'a wrong checksum of the compression',
    reason: 'GZIP_CORRUPT',
    tarball: Buffer.concat([whole.subarray(0, -8), Buffer.alloc(4, 7), whole.subarray(-4)]),
  },
  { what: 'a compressed archive cut in the middle', reason: 'GZIP_CORRUPT', tarball: whole.subarray(0, whole.length - 12) },
  { what: 'an archive that is not compressed', reason: 'GZIP_INVALID', tarball: tar(good) },
  {
    what: 'reserved bits in the gzip header',
    reason: 'GZIP_INVALID',
    tarball: Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0xe0, 0, 0, 0, 0, 0, 3]), deflateRawSync(tar(good)), whole.subarray(-8)]),
  },

  // too much of everything
  {
    what: 'a manifest of two megabytes',
    reason: 'MANIFEST_TOO_LARGE',
    tarball: gzipSync(tar([{ path: 'package/package.json', data: `{"name":"evil","x":"${'a'.repeat(2 ** 21)}"}` }, skill])),
  },
  {
    what: 'a file of 51 megabytes',
    reason: 'FILE_TOO_LARGE',
    tarball: gzipSync(tar([...good, { path: 'package/zeros', data: Buffer.alloc(51 * 2 ** 20) }]), { level: 1 }),
  },
  {
    what: 'more files than any package has',
    reason: 'TOO_MANY_FILES',
    tarball: gzipSync(tar([...good, ...Array.from({ length: 20_001 }, (_, index): TarEntry => ({ path: `package/${index}` }))]), { level: 1 }),
  },
  { what: 'a bomb of 300 megabytes', reason: 'TOO_LARGE', tarball: gzipSync(Buffer.alloc(300 * 2 ** 20), { level: 1 }) },
];
