import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PhotonImage } from '@silvia-odwyer/photon-node';
import { describe, expect, it } from 'vitest';
import type { ModelPort } from '../../host/index.ts';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { PAGE, settingsPage } from '../../scripts/settings-table.ts';
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

  it('say at once which rule is none, and where: one that allows allows nothing, one that forbids stops the file', async () => {
    const { dashHome, cwd, write } = await places({});
    await write(dashHome, '{\n  "permissions": {\n    "allow": ["exec:git push", "fs:reed:./a"],\n    "deny": ["fs:write:./b"]\n  }\n}');
    await using world = await startTestHost({ turns: [{}] }, [], { dashHome, cwd });
    expect(world.host.settings.permissions).toEqual({ allow: ['exec:git push'], deny: ['fs:write:./b'] });
    expect(world.host.diagnostics).toMatchObject([
      {
        severity: 'error',
        code: 'INVALID_PERMISSION',
        message: expect.stringMatching(/^`permissions\.allow\[1\]` is no rule, and allows nothing: .*fs:reed.*; /),
        where: { path: join(dashHome, 'settings.json'), line: 3 },
      },
    ]);
    for (const key of ['ask', 'deny']) {
      await write(dashHome, { permissions: { [key]: ['exec:git push', 'exce:rm'] } });
      await world.host.reload();
      expect(world.host.diagnostics).toMatchObject([{ code: 'SETTINGS_INVALID', message: expect.stringContaining(`\`permissions.${key}[1]\` is no rule`) }]);
      // what held before goes on
      expect(world.host.settings.permissions?.deny).toEqual(['fs:write:./b']);
      await expect(startTestHost({ turns: [{}] }, [], { dashHome, cwd })).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
        hint: expect.stringContaining('it may have forbidden'),
      });
    }
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

  it('that mean nothing are named, within a group too, and cost nothing else; a misspelt rule is an error', async () => {
    const { dashHome, cwd, write } = await places({ thinkng: 'high', retry: { attempts: 0, atempts: 5 }, images: { autoResize: true } });
    await using world = await startTestHost({ turns: [{}] }, [], { dashHome, cwd });
    const named = world.host.diagnostics.filter(({ code }) => code === 'UNKNOWN_SETTING').map(({ message }) => message);
    expect(named).toEqual(['thinkng', 'retry.atempts', 'images.autoResize'].map((key) => `\`${key}\` is not a setting of ours`));
    expect(world.host.settings.retry).toMatchObject({ attempts: 0 });
    await write(dashHome, { permissions: { denny: ['exec:*'] } });
    await expect(startTestHost({ turns: [{}] }, [], { dashHome, cwd })).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });

  it('say how much is thought, and of a group a project changes only what it names', async () => {
    const { dashHome, cwd } = await places(
      { thinkingBudgets: { low: 3000, high: 9000 }, images: { block: true, resize: false } },
      { thinkingBudgets: { low: 4000 }, images: { block: false, resize: true } },
    );
    const asked: object[] = [];
    await using world = await startTestHost({ turns: [] }, [], { dashHome, cwd, trustProject: true, models: listening(asked) });
    await ask(world.host, 'go', [PIXEL]);
    expect(asked).toMatchObject([{ options: { thinkingBudgets: { low: 4000, high: 9000 } } }]);
    // what the user keeps from models no project gives out
    expect(JSON.stringify(asked)).toContain('the user keeps images from models');
    expect(JSON.stringify(asked)).not.toContain(PIXEL.data);
  });

  it('make an image smaller that is too large for models, for every request and in the words of the model', async () => {
    const { dashHome, cwd, write } = await places({});
    const asked: { readonly transcript: unknown }[] = [];
    await using world = await startTestHost({ turns: [] }, [], { dashHome, cwd, models: listening(asked) });
    const large = {
      type: 'image' as const,
      mimeType: 'image/png',
      data: Buffer.from(new PhotonImage(new Uint8Array(2100 * 10 * 4), 2100, 10).get_bytes()).toString('base64'),
    };
    await ask(world.host, 'look', [large, PIXEL]);
    expect(JSON.stringify(asked[0]?.transcript)).toContain('shown smaller: 2000 × 10 pixels, of 2100 × 10');
    expect(JSON.stringify(asked[0]?.transcript)).toContain(PIXEL.data);
    expect(JSON.stringify(asked[0]?.transcript)).not.toContain(large.data);
    await write(dashHome, { images: { resize: false } });
    await world.host.reload();
    await ask(world.host, 'again');
    expect(JSON.stringify(asked[1]?.transcript)).toMatch(/an image was left out: 2100 × 10 pixels/);
  });

  it('are listed with their defaults in the document', async () => {
    const page = await readFile(PAGE, 'utf8');
    expect(settingsPage(page)).toBe(page);
  });
});

const PIXEL = { type: 'image' as const, mimeType: 'image/png', data: Buffer.from(new PhotonImage(new Uint8Array(4), 1, 1).get_bytes()).toString('base64') };

/** A model that says nothing and keeps what it was asked. */
function listening(asked: object[]): ModelPort {
  const silent = createScriptedModel({ turns: [{ text: 'ok' }], repeat: true });
  return {
    models: () => silent.models(),
    async *stream(model, transcript, options) {
      asked.push({ transcript, options: { ...options, signal: undefined } });
      yield* silent.stream(model, transcript, options);
    },
  };
}

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
