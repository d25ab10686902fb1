import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { SessionTree } from '../session/session-tree.ts';
import { sessionHtml } from './session-html.ts';

/** Writes a session as a page, readable by its owner only, and names the file; without `path` one in `cwd` is made. */
export async function exportHtml(tree: SessionTree, path: string | undefined, cwd: string): Promise<string> {
  const file = resolve(cwd, path ?? `dash-session-${tree.header.id}.html`);
  await writeFile(file, sessionHtml(tree), { mode: 0o600 });
  return file;
}
