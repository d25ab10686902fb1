import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { DashError } from '../../../format/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Has the user write in the editor of their own, on the terminal that is free for it. @throws {DashError} USAGE when there is none */
export async function editElsewhere(text: string, env: Environment): Promise<string> {
  const command = env['VISUAL'] ?? env['EDITOR'];
  if (command === undefined || command.trim() === '')
    throw new DashError('USAGE', 'no editor is named', { hint: 'set `VISUAL` or `EDITOR`, e.g. `export EDITOR=vim`' });
  const directory = await mkdtemp(join(tmpdir(), 'dash-prompt-'));
  const file = join(directory, 'prompt.md');
  try {
    await writeFile(file, text, { mode: 0o600 });
    // The user's own words, which may carry arguments: `code --wait`.
    const editor = spawn('/bin/sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit' });
    const [code]: unknown[] = await once(editor, 'exit');
    if (code !== 0) throw new DashError('USAGE', `\`${command}\` ended with ${String(code)}; the text is as it was`);
    return (await readFile(file, 'utf8')).replace(/\n$/, '');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
