import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { openFixture, context } from '../support/sandbox-fixture.ts';

describe('the arguments of a command', () => {
  it('are completed from what the hint of a template or a skill names', async () => {
    await using world = await startTestHost({ turns: [{}] });
    await mkdir(join(world.home, 'prompts'));
    await writeFile(join(world.home, 'prompts/review.md'), '---\nargument-hint: <quick|deep> [file]\n---\nReview $2, $1.');
    await mkdir(join(world.home, 'skills/sing'), { recursive: true });
    await writeFile(join(world.home, 'skills/sing/SKILL.md'), '---\nname: sing\ndescription: how to sing\nargument-hint: [alto|bass]\n---\n${1:-la}');
    await world.host.reload();
    expect(await world.host.completeArguments('review', 'd')).toEqual([{ value: 'deep', label: 'deep' }]);
    expect((await world.host.completeArguments('skill:sing', '')).map(({ value }) => value)).toEqual(['alto', 'bass']);
    expect(await world.host.completeArguments('unheard-of', '')).toEqual([]);
  });

  it('of the host are models and sessions', async () => {
    await using world = await startTestHost({ turns: [{ text: 'ok' }] });
    await ask(world.host, 'sweep the floor');
    const [model] = world.host.models;
    expect((await world.host.completeArguments('model', model?.id.slice(1) ?? '')).map(({ value }) => value)).toContain(`${model?.provider}/${model?.id}`);
    expect(await world.host.completeArguments('compact', '')).toEqual([]);
  });

  it('are asked of the package that has the command, and only where it answers', async () => {
    const asked: string[] = [];
    const deploy = (typed: string) => {
      asked.push(typed);
      if (typed === 'boom') throw new Error('boom');
      if (typed === 'text') return 'staging';
      return [
        { value: 'staging', label: 'sta\u001B[31mging', description: 'a\nb' },
        { value: 'pro\u202Ed', label: 'x' },
        { value: 'two\nlines', label: 'x' },
        { label: 'no value' },
        ...Array.from({ length: 500 }, (_, at) => ({ value: `v${at}`, label: '' })),
      ];
    };
    const none = () => undefined;
    await using world = await startTestHost({ turns: [{}] }, [{ name: 'a', extension: { commands: { deploy: none, quiet: none }, completions: { deploy } } }]);
    const answer = await world.host.completeArguments('deploy', 's');
    expect(answer.slice(0, 2)).toEqual([
      { value: 'staging', label: 'staging', description: 'a b' },
      { value: 'v0', label: 'v0' },
    ]);
    expect(answer.length).toBeLessThanOrEqual(100);
    expect(await world.host.completeArguments('quiet', 's')).toEqual([]);
    expect(asked).toEqual(['s']);
    expect(await world.host.completeArguments('deploy', 'text')).toEqual([]);
  });

  it('come out of the isolate as the package gave them, and an error stays one', async () => {
    const source = `export default (pi) => {
      pi.registerCommand('deploy', {
        names: ['staging', 'production'],
        getArgumentCompletions(typed) {
          if (typed === 'boom') throw new Error('no idea');
          return this.names.filter((name) => name.startsWith(typed)).map((name) => ({ value: name, label: name }));
        },
        handler: async () => {},
      });
      pi.registerCommand('quiet', { handler: async () => {} });
    };`;
    await using fixture = await openFixture({ files: { 'index.ts': source } });
    expect(fixture.extension.registrations.commands).toEqual([{ name: 'deploy', completes: true }, { name: 'quiet' }]);
    expect(await fixture.extension.completeArguments('deploy', 'p', { context })).toEqual([{ value: 'production', label: 'production' }]);
    await expect(fixture.extension.completeArguments('deploy', 'boom', { context })).rejects.toMatchObject({ code: 'GUEST_ERROR' });
    expect(await fixture.extension.completeArguments('quiet', '', { context })).toBeUndefined();
  });
});
