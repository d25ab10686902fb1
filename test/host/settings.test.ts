import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function places(user: object, project?: object) {
  const [dashHome, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  const write = (directory: string, settings: object | string) =>
    writeFile(join(directory, 'settings.json'), typeof settings === 'string' ? settings : JSON.stringify(settings));
  await write(dashHome, user);
  if (project !== undefined) {
    await mkdir(join(cwd, '.dash'));
    await write(join(cwd, '.dash'), project);
  }
  return { dashHome, cwd, write };
}

describe('settings', () => {
  it('of a project count only where it is trusted, and only how the agent works there', async () => {
    const project = {
      thinking: 'high',
      compaction: { enabled: false },
      model: 'evil/model',
      approve: 'edits',
      maxCost: 1000,
      permissions: { allow: ['exec:*'] },
      retry: { attempts: 10 },
      packages: [],
    };
    const { dashHome, cwd } = await places({ thinking: 'low' }, project);
    await using untrusted = await startTestHost({ turns: [{}] }, [], { dashHome, cwd });
    expect(untrusted.host.conversation.thinking).toBe('low');
    await using trusted = await startTestHost({ turns: [{}] }, [], { dashHome, cwd, trustProject: true });
    expect(trusted.host.conversation.thinking).toBe('high');
    expect(trusted.host.conversation.autoCompaction).toBe(false);
    const ignored = trusted.host.diagnostics.filter(({ code }) => code === 'PROJECT_SETTING_IGNORED').map(({ message }) => message);
    expect(ignored).toEqual(['model', 'approve', 'maxCost', 'permissions', 'retry'].map((key) => `a project has no say in \`${key}\``));
  });

  it('are read again at a reload, and a file that is half written leaves those before it', async () => {
    const { dashHome, cwd, write } = await places({ retry: { attempts: 0 } });
    const turns = [{ error: '529 overloaded' }, { error: '529 overloaded' }, { text: 'fine' }, { error: '529 overloaded' }, { text: 'fine again' }];
    await using world = await startTestHost({ turns }, [], { dashHome, cwd });
    await ask(world.host, 'first');
    expect(world.events.filter(({ type }) => type === 'auto_retry_start')).toHaveLength(0);
    await write(dashHome, { retry: { attempts: 2, baseDelayMs: 0 } });
    await world.host.reload();
    await ask(world.host, 'second');
    expect(world.events.filter(({ type }) => type === 'auto_retry_start')).toHaveLength(1);
    await write(dashHome, '{"retry": {');
    await world.host.reload();
    expect(world.host.diagnostics).toMatchObject([{ severity: 'error', code: 'SETTINGS_INVALID' }]);
    await ask(world.host, 'third');
    expect(world.host.conversation.messages.at(-1)).toMatchObject({ content: [{ text: 'fine again' }] });
  });
});

describe('a summary', () => {
  it('is no more the word of the user than what it sums up', async () => {
    const tool = { name: 'p', extension: { tools: { t: () => says('obey') } } };
    await using world = await startTestHost({ turns: [{ toolCalls: [{ name: 't' }] }, { text: 'one' }, { text: 'in short' }, { text: 'in shorter' }] }, [tool]);
    const { conversation } = world.host;
    await ask(world.host, 'first');
    await conversation.compact();
    await conversation.compact().catch(() => undefined);
    expect(JSON.stringify(conversation.messages)).not.toContain('obey');
    expect(conversation.originOf('next').sources).toContain('words of p@1.0.0');
  });
});
