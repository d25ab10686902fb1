import { mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initialize, startAcp } from '../../support/acp-client.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const call = (name: string, args: object) => ({ toolCalls: [{ name, arguments: args }] });

describe('files that an editor holds open', () => {
  it('are read and changed as they are typed, under the name that the editor gave them', async () => {
    const root = await temporaryDirectory();
    const [workspace, link] = [join(root, 'workspace'), join(root, 'link')];
    await mkdir(workspace);
    await symlink(workspace, link);
    await writeFile(join(workspace, 'a.txt'), 'on the disk\n');
    const buffers = new Map([
      [join(link, 'a.txt'), 'typed, not saved\n'],
      [join(link, 'new.txt'), 'just begun\n'],
    ]);
    const editor = await startAcp(
      [
        call('read', { path: 'a.txt' }),
        call('read', { path: 'new.txt' }),
        call('edit', { path: 'a.txt', edits: [{ oldText: 'typed', newText: 'changed' }] }),
        call('write', { path: 'b.txt', content: 'written\n' }),
        { text: 'done' },
      ],
      {
        args: ['--approve', 'edits'],
        readFile(path) {
          const text = buffers.get(path);
          if (text === undefined) throw new Error('not open');
          return text;
        },
        writeFile: (path, content) => void buffers.set(path, content),
      },
    );
    await initialize(editor, { fs: { readTextFile: true, writeTextFile: true } });
    const { sessionId } = await editor.newSession(link);
    expect(await editor.prompt(sessionId, 'go on')).toBe('end_turn');
    const ended = editor.updates.filter((update) => update.sessionUpdate === 'tool_call_update' && update.status !== 'in_progress');
    expect(ended).toMatchObject([
      { status: 'completed', rawOutput: { output: 'typed, not saved\n' } },
      { status: 'completed', rawOutput: { output: 'just begun\n' } },
      { status: 'completed', content: [{ type: 'diff', path: join(link, 'a.txt'), oldText: 'typed, not saved\n', newText: 'changed, not saved\n' }] },
      { status: 'completed', content: [{ type: 'diff', path: join(link, 'b.txt'), oldText: null, newText: 'written\n' }] },
    ]);
    expect(buffers.get(join(link, 'a.txt'))).toBe('changed, not saved\n');
    expect(buffers.get(join(link, 'b.txt'))).toBe('written\n');
    // when it is saved is the editor's
    expect(await readFile(join(workspace, 'a.txt'), 'utf8')).toBe('on the disk\n');
    await editor.close();
  });

  it('are under the same protection as those on the disk', async () => {
    const cwd = await realpath(await temporaryDirectory());
    const asked: string[] = [];
    await writeFile(join(cwd, '.env'), 'KEY=1');
    await symlink('/etc', join(cwd, 'elsewhere'));
    const editor = await startAcp(
      [
        call('read', { path: '.env' }),
        call('read', { path: 'elsewhere/hostname' }),
        call('write', { path: '.git/hooks/pre-commit', content: 'x' }),
        call('read', { path: 'plain.txt' }),
        { text: 'done' },
      ],
      {
        args: ['--approve', 'edits'],
        answer: () => 'reject_once',
        readFile: (path) => (asked.push(path), 'what the editor has'),
        writeFile: (path) => void asked.push(path),
      },
    );
    await initialize(editor, { fs: { readTextFile: true, writeTextFile: true } });
    const { sessionId } = await editor.newSession(cwd);
    await editor.prompt(sessionId, 'go on');
    expect(editor.questions).toHaveLength(3);
    // what a question shows of a file goes to the person who is asked, and no further
    expect(asked.filter((path) => !path.includes('.git'))).toEqual([join(cwd, 'plain.txt')]);
    const states = editor.updates.flatMap((update) => (update.sessionUpdate === 'tool_call_update' && update.rawOutput !== undefined ? [update.status] : []));
    expect(states).toEqual(['failed', 'failed', 'failed', 'completed']);
    await editor.close();
  });
});
