import type { Diagnostic } from '../../../format/index.ts';
import type { Check } from './check-subject.ts';

const MIB = 1024 * 1024;
/** What `dash install` accepts unless the user raises it. */
const MOST = { files: 20_000, unpackedBytes: 200 * MIB, fileBytes: 50 * MIB } as const;
const LARGE_BYTES = 10 * MIB;

/** Packages that nobody could install, and those that are larger than they look. */
export const checkSizes: Check = ({ files }) => {
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const diagnostics: Diagnostic[] = files
    .filter(({ bytes }) => bytes.length > MOST.fileBytes)
    .map(({ path, bytes }) => ({
      severity: 'error',
      code: 'FILE_TOO_LARGE',
      message: `${mib(bytes.length)}; a file may have ${mib(MOST.fileBytes)}`,
      where: { path },
    }));
  if (files.length > MOST.files)
    diagnostics.push({ severity: 'error', code: 'TOO_MANY_FILES', message: `${files.length} files; a package may have ${MOST.files}` });
  if (total > MOST.unpackedBytes)
    diagnostics.push({ severity: 'error', code: 'PACKAGE_TOO_LARGE', message: `${mib(total)} unpacked; a package may have ${mib(MOST.unpackedBytes)}` });
  else if (total > LARGE_BYTES)
    diagnostics.push({ severity: 'warning', code: 'PACKAGE_LARGE', message: `${mib(total)} unpacked; \`files\` in package.json says what is published` });
  return diagnostics;
};

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
