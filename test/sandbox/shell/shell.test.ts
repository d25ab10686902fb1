import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { openShellScene, shellLayer } from '../../support/shell-scene.ts';

describe.skipIf(shellLayer.kind !== 'live')("the host's shell (skipped where the probe of `dash sandbox layers` fails)", () => {
  test('a normal day of git works, and leaves nothing behind', async () => {
    await using scene = await openShellScene({ committed: { 'a.txt': 'one\n', 'package.json': '{"name":"a"}\n', Makefile: 'all:\n' } });
    const { run, git } = scene;
    const steps = [
      'echo two >> a.txt && git add a.txt && git commit -qm two',
      'git checkout -qb topic && echo t > t.txt && git add -A && git commit -qm topic',
      'git checkout -q main && echo m > m.txt && git add -A && git commit -qm m',
      'git merge -q --no-edit topic',
      'git checkout -qb late HEAD~1 && echo l > l.txt && git add -A && git commit -qm late && git rebase -q main',
      'echo dirty >> a.txt && git stash -q && git stash pop -q && git checkout -q a.txt',
      'git tag v1 && git tag -a v2 -m two && git cherry-pick -x HEAD~1 --allow-empty --keep-redundant-commits -q 2>/dev/null || git cherry-pick --abort || true',
      'git reset -q --hard v1 && git clean -qfd',
      'git mv t.txt moved.txt && git commit -qam moved && git revert --no-edit HEAD >/dev/null',
      'git gc -q && git fsck --no-dangling',
      'git switch -q main && git branch -D late && git log --oneline >/dev/null && git diff HEAD~1 >/dev/null && git blame a.txt >/dev/null',
    ];
    for (const step of steps) {
      const { code, output, notes } = await run(`set -e; ${step}`);
      expect({ step, code, output, notes }).toMatchObject({ step, code: 0, notes: '' });
    }
    expect(git('status', '--porcelain')).toBe('');
    expect(git('log', '--format=%an <%ae>', '-1')).toBe('Ada <ada@example.com>');
    expect(existsSync(scene.at('w/.git/commondir'))).toBe(false);
    expect(scene.asked).toEqual([]);
  });

  test('what a branch of the user brings stays, also where it runs later', async () => {
    await using scene = await openShellScene({ committed: { 'package.json': '{"v":1}', '.npmrc': 'fund=false' } });
    scene.git('checkout', '-qb', 'topic');
    mkdirSync(scene.at('w/.github/workflows'), { recursive: true });
    for (const [name, text] of Object.entries({ 'package.json': '{"v":2}', 'AGENTS.md': 'be kind', '.github/workflows/ci.yml': 'on: push' }))
      writeFileSync(scene.at(`w/${name}`), text);
    scene.git('add', '-A');
    scene.git('commit', '-qm', 'topic');
    scene.git('checkout', '-q', 'main');
    const { code, notes } = await scene.run('git merge -q topic && git status --porcelain');
    expect({ code, notes }).toEqual({ code: 0, notes: '' });
    expect(readFileSync(scene.at('w/package.json'), 'utf8')).toBe('{"v":2}');
    expect(existsSync(scene.at('w/AGENTS.md'))).toBe(true);
    await scene.run('git checkout -q HEAD~1');
    expect(readFileSync(scene.at('w/package.json'), 'utf8')).toBe('{"v":1}');
    expect(scene.asked).toEqual([]);
  });

  test('what a command writes into such a file is put back, kept, and offered', async () => {
    await using scene = await openShellScene({ committed: { 'package.json': '{"v":1}', 'lib/a.txt': 'a' } });
    const { notes, undone } = await scene.run('echo \'{"v":2}\' > package.json; echo x > Makefile; mkdir .vscode; echo {} > .vscode/tasks.json');
    expect(readFileSync(scene.at('w/package.json'), 'utf8')).toBe('{"v":1}');
    expect(existsSync(scene.at('w/Makefile'))).toBe(false);
    expect(existsSync(scene.at('w/.vscode'))).toBe(false);
    expect(notes).toMatch(/`package.json` was put back/);
    const changed = undone.find(({ path }) => path.endsWith('package.json'));
    expect(changed).toMatchObject({ kind: 'changed', before: '{"v":1}', after: '{"v":2}\n' });
    expect(readFileSync(changed?.aside ?? '', 'utf8')).toBe('{"v":2}\n');
    scene.answer = true;
    expect((await scene.run('echo \'{"v":3}\' > package.json; mkdir .vscode; echo {} > .vscode/tasks.json')).notes).toBe('');
    expect(readFileSync(scene.at('w/package.json'), 'utf8')).toBe('{"v":3}\n');
    expect(existsSync(scene.at('w/.vscode/tasks.json'))).toBe(true);
  });

  test('a directory with such files can be renamed', async () => {
    await using scene = await openShellScene({ committed: { 'a/package.json': '{"name":"a"}', 'a/index.ts': '' } });
    expect((await scene.run('git mv a b && git commit -qm renamed')).undone).toEqual([]);
    expect(existsSync(scene.at('w/b/package.json'))).toBe(true);
  });

  test('secrets are hidden, their other names too, and git does not take them for changes', async () => {
    await using scene = await openShellScene({
      committed: { '.npmrc': 'fund=false', 'a.txt': '' },
      loose: { '.env': 'hush', 'deep/key.pem': 'hush', 'settings/local': 'hush' },
      home: { '.ssh/id_rsa': 'hush', 'notes.txt': 'hush', '.dash/grants.json': 'hush' },
    });
    linkSync(scene.at('w/.env'), scene.at('w/innocent.txt'));
    linkSync(scene.at('h/.ssh/id_rsa'), scene.at('w/harmless.txt'));
    symlinkSync('../settings/local', scene.at('w/deep/.env'));
    const { output, code } = await scene.run(
      'cat .env deep/key.pem deep/.env settings/local innocent.txt harmless.txt ~/.ssh/id_rsa ~/notes.txt; ls -A ~; cat .npmrc; git add -A; git commit -qm all; git show --stat --format= HEAD; git status --porcelain',
    );
    expect(output).not.toMatch(/hush/);
    expect(output).toMatch(/fund=false/);
    expect(output).toMatch(/deep\/.env \| +1 \+\n 1 file changed/);
    expect(code).toBe(0);
  });

  test('what it was refused is named, and a repeat may write exactly that', async () => {
    await using scene = await openShellScene({ committed: { 'a.txt': '' }, loose: { 'node_modules/x/index.js': 'old', '.vscode/tasks.json': '{}' } });
    const command = 'echo new > node_modules/x/index.js && touch node_modules/y && ! touch .vscode/z';
    const first = await scene.run(command);
    expect(first).toMatchObject({ code: 1, refused: [{ path: scene.at('w/node_modules'), access: 'write' }] });
    const again = await scene.shell.run(command, { signal: AbortSignal.timeout(60_000), onOutput: () => undefined, uncovered: first.refused });
    expect(again).toMatchObject({ code: 0, undone: [] });
    expect(readFileSync(scene.at('w/node_modules/x/index.js'), 'utf8')).toBe('new\n');
    expect((await scene.run(command)).code).toBe(1);
  });

  test('what was hidden from it is named too, several at once, and a repeat may read exactly that and write none of it', async () => {
    await using scene = await openShellScene({ loose: { '.env': 'hush', 'deep/key.pem': 'hush', 'other/.env': 'hush' }, home: { '.dash/grants.json': '{}' } });
    const command = 'cat .env deep/key.pem && echo changed > .env';
    const first = await scene.run(command);
    expect(first.output).not.toContain('hush');
    expect(first.refused).toEqual(['.env', 'deep/key.pem'].map((path) => ({ path: scene.at(`w/${path}`), access: 'read' })));
    let output = '';
    const again = await scene.shell.run(`${command}; cat other/.env`, {
      signal: AbortSignal.timeout(60_000),
      onOutput: (bytes) => (output += bytes.toString()),
      uncovered: first.refused,
    });
    expect(output.match(/hush/g)).toHaveLength(2);
    expect(again.refused).toMatchObject([{ access: 'write' }, { path: scene.at('w/other/.env'), access: 'read' }]);
    expect(readFileSync(scene.at('w/.env'), 'utf8')).toBe('hush');
  });

  test('a strict shell seals what git keeps and runs later', async () => {
    await using scene = await openShellScene({
      committed: { 'package.json': '{}', 'AGENTS.md': 'kind', '.github/workflows/ci.yml': 'on: push', 'a.txt': '' },
      strict: true,
    });
    const command = 'echo x >> a.txt; echo evil > package.json || echo evil > AGENTS.md || echo evil > .github/workflows/ci.yml || rm package.json';
    const ended = await scene.run(command);
    expect(ended.code).not.toBe(0);
    expect(ended.undone).toEqual([]);
    expect(ended.refused.map(({ path }) => path)).toEqual(expect.arrayContaining([scene.at('w/package.json'), scene.at('w/AGENTS.md')]));
    for (const [path, text] of [
      ['package.json', '{}'],
      ['AGENTS.md', 'kind'],
      ['.github/workflows/ci.yml', 'on: push'],
      ['a.txt', 'x\n'],
    ] as const)
      expect(readFileSync(scene.at(`w/${path}`), 'utf8')).toBe(text);
    const again = await scene.shell.run('echo {} > package.json', {
      signal: AbortSignal.timeout(60_000),
      onOutput: () => undefined,
      uncovered: [{ path: scene.at('w/package.json'), access: 'write' }],
    });
    expect(again).toMatchObject({ code: 0, undone: [] });
    expect((await scene.run('git add -A; git commit -qm more')).code).toBe(0);
  });

  test('commands share `/tmp`, and what is in the one of the machine is not there', async () => {
    await using scene = await openShellScene({ withGit: false });
    await scene.run('echo kept > /tmp/note.txt');
    expect((await scene.run(`cat /tmp/note.txt; ls ${scene.at('h')}`)).output).toBe('kept\n');
    expect(readFileSync(join(await scene.shell.scratch(), 'note.txt'), 'utf8')).toBe('kept\n');
  });

  test('without a repository the same names are guarded', async () => {
    await using scene = await openShellScene({ withGit: false, loose: { 'package.json': '{}', '.bashrc': 'a', 'node_modules/x/index.js': '' } });
    const { output, undone } = await scene.run('echo 1 > package.json; echo 2 > .bashrc; echo 3 > node_modules/x/index.js; git init -q .');
    expect(output.match(/Read-only file system/g)).toHaveLength(2);
    expect(undone.map(({ path }) => path.slice(scene.places.workspace.length + 1)).sort()).toEqual(['.git', 'package.json']);
  });

  test('in a directory of a repository git sees the whole tree and writes to its branches only', async () => {
    await using scene = await openShellScene({ committed: { 'other.txt': 'o', 'part/a.txt': 'a' }, inside: 'part' });
    expect(await scene.run('git status --porcelain && echo b > b.txt && git add b.txt && git commit -qm b && ! touch ../other.txt 2>/dev/null')).toMatchObject({
      code: 0,
      output: '',
    });
    expect(scene.git('status', '--porcelain')).toBe('');
  });

  test('a linked working tree commits to its repository, and not to one that does not know it', async () => {
    await using scene = await openShellScene({ committed: { 'a.txt': 'a' }, home: { 'other/x': '' } });
    scene.git('worktree', 'add', '-q', scene.at('h/tree'), '-b', 'side');
    const { openShell } = await import('../../../sandbox/index.ts');
    const inTree = (workspace: string) =>
      openShell({
        places: { ...scene.places, workspace },
        env: { PATH: process.env['PATH'], HOME: scene.at('h') },
        environment: { PATH: process.env['PATH'] ?? '', HOME: scene.at('h') },
        dashHome: scene.at('h/.dash'),
        allow: async () => false,
      });
    await using shell = inTree(scene.at('h/tree'));
    const run = { signal: AbortSignal.timeout(60_000), onOutput: () => undefined };
    expect(await shell.run('echo s > s.txt && git add -A && git commit -qm side && ! echo x >> $(git rev-parse --git-common-dir)/config', run)).toMatchObject({
      code: 0,
      notes: '',
    });
    expect(scene.git('log', '--format=%s', '-1', 'side')).toBe('side');
    writeFileSync(scene.at('h/other/.git'), `gitdir: ${scene.at('w/.git')}\n`);
    await using stranger = inTree(scene.at('h/other'));
    expect((await stranger.run('git commit -q --allow-empty -m stolen', run)).code).not.toBe(0);
  });

  test('time, abort and output have an end, and what was started ends with its command', async () => {
    await using scene = await openShellScene({ withGit: false });
    const stopped = await scene.shell.run('sleep 1000', { signal: AbortSignal.timeout(60_000), timeoutMs: 50, onOutput: () => undefined });
    expect(stopped.stopped).toBe('timeout');
    await scene.run('setsid nohup sleep 7654321.5 >/dev/null 2>&1 & sleep 0.01; exit 0');
    await expect.poll(() => runs('7654321.5'), { timeout: 20_000 }).toBe(false);
  });

  test('what an agent left that was killed in the middle of a command is undone by the next one', async () => {
    await using scene = await openShellScene({ committed: { 'package.json': '{"v":1}' } });
    const agent = spawn(process.execPath, [join(import.meta.dirname, '../../support/shell-agent.ts'), JSON.stringify(scene.places)], {
      env: { PATH: process.env['PATH'], HOME: scene.places.home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      for await (const chunk of agent.stdout) if (String(chunk).includes('planted')) break;
    } finally {
      agent.kill('SIGKILL');
    }
    if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit');
    await expect.poll(() => runs('7654322'), { timeout: 20_000 }).toBe(false);
    expect(readFileSync(scene.at('w/package.json'), 'utf8')).toBe('evil\n');
    expect(await scene.shell.recover()).toMatch(/`Makefile` was put aside/);
    expect(readFileSync(scene.at('w/package.json'), 'utf8')).toBe('{"v":1}');
    expect(existsSync(scene.at('w/Makefile'))).toBe(false);
    expect(existsSync(scene.at('w/.git/commondir'))).toBe(false);
    expect(await scene.shell.recover()).toBe('');
    expect(scene.asked).toEqual([]);
  });
});

function runs(word: string): boolean {
  return execFileSync('ps', ['-e', '-o', 'args'], { encoding: 'utf8' }).includes(`sleep ${word}`);
}
