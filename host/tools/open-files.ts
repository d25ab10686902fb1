/**
 * Files as an editor holds them, with what was typed and not saved yet. Asked only about what a call was approved for, by
 * its real path; `undefined` and `false` leave it to the disk.
 */
export interface OpenFiles {
  read(file: string, signal?: AbortSignal): Promise<string | undefined>;
  /** @throws when the editor has the file and cannot write it */
  write(file: string, text: string, signal?: AbortSignal): Promise<boolean>;
}

/** There is no editor: everything is on the disk. */
export const NO_OPEN_FILES: OpenFiles = { read: async () => undefined, write: async () => false };
