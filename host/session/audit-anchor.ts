import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The newest line of the audit trail when a run ended: as long as the session is there, that line cannot go unseen. */
export interface AuditHead {
  /** Name of the file of the trail. */
  readonly file: string;
  readonly hash: string;
}

/** Kind of the session entry that holds an {@link AuditHead}. */
export const AUDIT_ENTRY = 'dash.audit';

/** Reads the heads that the sessions of all projects hold; `by` is the path of the session. */
export async function readAuditAnchors(dashHome: string): Promise<(AuditHead & { readonly by: string })[]> {
  const directory = join(dashHome, 'sessions');
  const names = await readdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith('.jsonl'))
      .map(async (name) => {
        const lines = (await readFile(join(directory, name), 'utf8')).split('\n').filter((line) => line.includes(`"${AUDIT_ENTRY}"`));
        return lines.flatMap((line) => headIn(line).map((head) => ({ ...head, by: join(directory, name) })));
      }),
  );
  return found.flat();
}

/** A line of a session is a claim: what is not an anchor says nothing. */
function headIn(line: string): AuditHead[] {
  try {
    const entry = JSON.parse(line) as {
      readonly type?: unknown;
      readonly customType?: unknown;
      readonly package?: unknown;
      readonly data?: { file?: unknown; hash?: unknown };
    };
    const { file, hash } = entry.data ?? {};
    // a package can write entries of its own, with its name in them
    const isOurs = entry.type === 'custom' && entry.customType === AUDIT_ENTRY && entry.package === undefined;
    return isOurs && typeof file === 'string' && /^[\w.-]+\.jsonl$/.test(file) && typeof hash === 'string' ? [{ file, hash }] : [];
  } catch {
    return [];
  }
}
