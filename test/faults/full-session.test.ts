import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionManager } from '@earendil-works/pi-coding-agent';
import { describe, expect, it } from 'vitest';
import { readSession } from '../../host/session/session-file.ts';
import type { AgentMessage } from '../../host/loop/transcript.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const mayMount = (() => {
  const directory = mkdtempSync(join(tmpdir(), 'dash-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
  if (mounted) spawnSync('umount', [directory]);
  rmdirSync(directory);
  return mounted;
})();

describe.skipIf(!mayMount)(`a disk that fills up during a run${mayMount ? '' : ' (skipped: this user may not mount)'}`, () => {
  it('loses nothing that was acknowledged, leaves no half of an entry, and goes on once there is space', async () => {
    const root = await mkdtemp(join(tmpdir(), 'dash-full-'));
    const disk = join(root, 'disk');
    await mkdir(disk);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
    try {
      const dashHome = join(disk, 'home');
      const fill = {
        name: 'p',
        extension: { tools: { fill: async () => (spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=1k']), says('x'.repeat(20_000))) } },
      };
      const turns = [{ text: 'first' }, { text: 'filling', toolCalls: [{ name: 'fill' }] }, { text: 'never said' }];
      await using world = await startTestHost({ turns }, [fill], { dashHome });
      const acknowledged: AgentMessage[] = [];
      world.host.subscribe((event) => void (event.type === 'message_end' && acknowledged.push(event.message)));
      await ask(world.host, 'before');
      const { file = '' } = world.host.conversation.session;
      await ask(world.host, 'now fill it');
      expect(world.events.findLast(({ type }) => type === 'error')).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining(file) });
      expect(world.host.conversation.isStreaming).toBe(false);

      const read = await readSession(file);
      const said = read.entries.flatMap((entry) => (entry.type === 'message' ? [entry.message] : []));
      expect(read.diagnostics).toEqual([]);
      expect(plain(said)).toEqual(plain(acknowledged));
      expect(said.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);

      await rm(join(disk, 'filler'));
      await ask(world.host, 'after');
      const { messages } = world.host.conversation;
      expect(messages.slice(0, 4).map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
      expect(plain(SessionManager.open(file).buildSessionContext().messages)).toEqual(plain(messages));
      // the call that was never answered in the file is answered before anything else is said
      expect(messages[4]).toMatchObject({ role: 'toolResult', isError: true });
      expect(messages.at(-1)).toMatchObject({ role: 'assistant', content: [{ text: 'never said' }] });
      await writeFile(join(disk, 'done'), '');
    } finally {
      spawnSync('umount', [disk]);
      await rm(root, { recursive: true, force: true });
    }
  });
});
