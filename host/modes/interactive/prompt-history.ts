import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What was typed in a project before, the newest last. */
export interface PromptHistory {
  readonly prompts: readonly string[];
  add(text: string): Promise<void>;
}

/** As many as the editor keeps; the file may hold twice as many before it is written anew. */
const MAX_PROMPTS = 100;

/** Opens the history of a project; a line that is damaged costs itself. */
export async function openPromptHistory(dashHome: string, cwd: string): Promise<PromptHistory> {
  const directory = join(dashHome, 'history');
  const path = join(directory, `${createHash('sha256').update(cwd).digest('hex').slice(0, 16)}.jsonl`);
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const kept = lines.slice(-MAX_PROMPTS);
  if (lines.length > 2 * MAX_PROMPTS) await writeFile(path, `${kept.join('\n')}\n`, { mode: 0o600 });
  return {
    prompts: kept.flatMap(parse),
    async add(text) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await appendFile(path, `${JSON.stringify(text)}\n`, { mode: 0o600 });
    },
  };
}

function parse(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'string' ? [value] : [];
  } catch {
    return [];
  }
}
