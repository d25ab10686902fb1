import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestHost, type TestPackage } from '../support/in-test-host.ts';
import { startSandboxedHost } from '../support/sandboxed-host.ts';

const skill = (name: string): string => `---\nname: ${name}\ndescription: does ${name}\n---\nbody of ${name}`;
const put = async (path: string, text: string): Promise<void> => {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
};

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dash-discover-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('resources that a package names when it is asked', () => {
  it('are there after the start, and are those it names at the next reload', async () => {
    await put(join(dir, 'more/first/SKILL.md'), skill('first'));
    await put(join(dir, 'late/SKILL.md'), skill('late'));
    await put(join(dir, 'hello.md'), 'say hello');
    const reasons: unknown[] = [];
    const paths: Record<string, string[]> = { skillPaths: ['/package/more'], promptPaths: ['hello.md'] };
    const named: TestPackage = {
      name: 'p',
      dir,
      extension: {
        on: [
          ['resources_discover', (event) => (reasons.push(event['reason']), { ...paths })],
          ['resources_discover', () => ({ skillPaths: 'all' })],
          ['resources_discover', () => undefined],
        ],
      },
    };
    await using world = await startTestHost({ turns: [{}] }, [named]);
    const names = () => world.host.commands().map(({ name }) => name);
    expect(names()).toEqual(expect.arrayContaining(['skill:first', 'hello']));
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'extension_error', event: 'resources_discover' }));
    paths['skillPaths'] = ['late/SKILL.md'];
    await world.host.reload();
    expect(names()).toEqual(expect.arrayContaining(['skill:late', 'hello']));
    expect(names()).not.toContain('skill:first');
    expect(reasons).toEqual(['startup', 'reload']);
    world.packages = [];
    await world.host.reload();
    expect(names().filter((name) => /late|hello/.test(name))).toEqual([]);
  });

  it('lie in the package, links followed; everything else is named and left out', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'dash-outside-'));
    await put(join(outside, 'secret/SKILL.md'), skill('secret'));
    await mkdir(join(dir, 'skills'));
    await symlink(join(outside, 'secret'), join(dir, 'skills/inner'));
    await symlink(join(outside, 'secret'), join(dir, 'outer'));
    const skillPaths = ['skills', 'outer', join(outside, 'secret'), '../..', '/package/../etc', '~/.ssh', 'not-there'];
    await using world = await startTestHost({ turns: [{}] }, [{ name: 'p', dir, extension: { on: [['resources_discover', () => ({ skillPaths })]] } }]);
    expect(world.host.commands().filter(({ name }) => name === 'skill:secret')).toEqual([]);
    const said = world.host.diagnostics.flatMap(({ code, message }) => (code === 'RESOURCE_NOT_LOADED' ? [message] : []));
    for (const path of skillPaths.slice(1)) expect(said.filter((message) => message.includes(`\`${path}\``))).toHaveLength(1);
    expect(world.host.diagnostics.map(({ code }) => code)).toContain('SKILL_LINK_OUTSIDE');
    await rm(outside, { recursive: true });
  });

  it('are found by a package in the sandbox, by the place it knows itself at', async () => {
    const text = `import { join } from 'node:path';
export default (pi) => { pi.on('resources_discover', () => ({ skillPaths: [join(import.meta.dirname, 'SKILL.md')] })); };`;
    await using world = await startSandboxedHost({ turns: [{}] }, [{ name: 'p', text }]);
    await put(join(world.directories['p'] ?? '', 'SKILL.md'), skill('own'));
    await world.host.begin();
    expect(world.host.commands().map(({ name }) => name)).toContain('skill:own');
  });
});
