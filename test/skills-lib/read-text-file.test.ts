import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { discoverSkills, readTextFile, skillFilesIn } from '../../skills-lib/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SKILL = '---\nname: a\ndescription: Does a thing.\n---\n';

test('a file is read whole, and one that is too large not at all', async () => {
  const path = join(await temporaryDirectory(), 'a.md');
  await writeFile(path, 'grüße');
  expect(readTextFile(path, { maxBytes: 7 })).toBe('grüße');
  expect(() => readTextFile(path, { maxBytes: 6 })).toThrow(/larger than 6 bytes/);
});

test.runIf(process.platform === 'linux')(
  'what is no ordinary file is not opened: a device without an end, a pipe without another end, a directory',
  async () => {
    const base = await temporaryDirectory();
    await symlink('/dev/zero', join(base, 'zero.md'));
    execFileSync('mkfifo', [join(base, 'pipe.md')]);
    await symlink(join(base, 'pipe.md'), join(base, 'to-pipe.md'));
    for (const name of ['zero.md', 'pipe.md', 'to-pipe.md', '.'])
      expect(() => readTextFile(join(base, name), { maxBytes: 100 })).toThrow(/is no ordinary file/);
    // a file of the kernel says that it is empty, and is not
    expect(() => readTextFile('/proc/self/status', { maxBytes: 100_000 })).toThrow(/changes while it is read/);
  },
);

test('a skill that became a link out of the project after it was found is not read', async () => {
  const base = await temporaryDirectory();
  const project = join(base, 'project');
  const file = join(project, '.dash/skills/a/SKILL.md');
  await mkdir(join(project, '.dash/skills/a'), { recursive: true });
  await writeFile(file, SKILL);
  await writeFile(join(base, 'secret'), SKILL);
  const { files } = await skillFilesIn({ directory: join(project, '.dash/skills'), confinedTo: project });
  expect(files).toEqual([file]);

  await rm(file);
  await symlink(join(base, 'secret'), file);
  const read = () => discoverSkills([{ origin: 'project', files, confinedTo: project }]);
  expect(await read()).toMatchObject({
    skills: [],
    diagnostics: [{ severity: 'error', code: 'INVALID_SKILL', message: expect.stringContaining('leaves the project') }],
  });

  // and a directory on the way to it
  await rm(join(project, '.dash'), { recursive: true });
  await mkdir(join(base, 'elsewhere/skills/a'), { recursive: true });
  await writeFile(join(base, 'elsewhere/skills/a/SKILL.md'), SKILL);
  await symlink(join(base, 'elsewhere'), join(project, '.dash'));
  expect((await read()).skills).toEqual([]);

  // one that stays inside is what many repositories do
  await rm(join(project, '.dash'));
  await mkdir(join(project, 'agents/skills/a'), { recursive: true });
  await writeFile(join(project, 'agents/skills/a/SKILL.md'), SKILL);
  await symlink(join(project, 'agents'), join(project, '.dash'));
  expect((await read()).skills).toMatchObject([{ name: 'a', path: file }]);
});
