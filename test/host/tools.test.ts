import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diffOf, firstChangedLine } from '../../host/tools/diff.ts';
import { withoutUser } from '../../host/index.ts';
import { shellLayer } from '../support/shell-scene.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { ask, startTestHost, type TestHost } from '../support/in-test-host.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
const answers = ({ host }: TestHost) =>
  host.conversation.messages.flatMap((message) =>
    message.role === 'toolResult'
      ? [
          {
            text: message.content.map((block) => (block.type === 'text' ? block.text : block.mimeType)).join('\n'),
            details: message.details,
            isError: message.isError,
          },
        ]
      : [],
  );
/** Runs the calls one after the other, in a workspace with these files. */
async function use(files: Readonly<Record<string, string | Buffer>>, ...calls: readonly ReturnType<typeof call>[]) {
  const world = await startTestHost({ turns: [...calls.map((one) => ({ toolCalls: [one] })), {}] }, [], {
    approval: 'edits',
    tools: ['read', 'write', 'edit', 'bash', 'grep', 'find', 'ls'],
    env: { PATH: process.env['PATH'] },
  });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(world.cwd, name, '..'), { recursive: true });
    await writeFile(join(world.cwd, name), content);
  }
  await ask(world.host, 'go');
  const read = (name: string): Promise<string> => readFile(join(world.cwd, name), 'utf8');
  return { answers: answers(world), read, events: world.events, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

describe('edit', () => {
  it('replaces several pieces at once, each matched against the file as it was, and gives the difference', async () => {
    const text = Array.from({ length: 30 }, (_, line) => `line ${line + 1}`).join('\n');
    await using used = await use(
      { 'a.txt': text },
      call('edit', {
        path: 'a.txt',
        edits: [
          { oldText: 'line 25\n', newText: '' },
          { oldText: 'line 3\n', newText: 'line 25\n' },
        ],
      }),
    );
    expect(await used.read('a.txt')).toBe(text.replace('line 25\n', '').replace('line 3\n', 'line 25\n'));
    expect(used.answers[0]?.details).toMatchObject({
      firstChangedLine: 3,
      diff: expect.stringMatching(/^@@ -1,6 \+1,6 @@\n line 1\n line 2\n-line 3\n\+line 25\n/),
    });
  });

  it.for([
    ['a piece that is not there', [{ oldText: 'nothing', newText: '' }], /does not occur/],
    ['a piece that is there twice', [{ oldText: 'one', newText: '' }], /more than once/],
    [
      'pieces that overlap',
      [
        { oldText: 'one two', newText: '' },
        { oldText: 'two one', newText: '' },
      ],
      /overlaps/,
    ],
    ['what changes nothing', [{ oldText: 'two', newText: 'two' }], /change nothing/],
  ] as const)('refuses %s, and leaves the file alone', async ([, edits, message]) => {
    await using used = await use({ 'a.txt': 'one two one' }, call('edit', { path: 'a.txt', edits: [...edits] }));
    expect(used.answers[0]).toMatchObject({ isError: true, text: expect.stringMatching(message) });
    expect(await used.read('a.txt')).toBe('one two one');
  });

  it('keeps line ends and a byte order mark, and does not touch what is no text', async () => {
    await using used = await use(
      { 'dos.txt': '\uFEFFa\r\nb\r\nc\r\n', 'latin.txt': Buffer.from([0x61, 0xe9, 0x62]) },
      call('edit', { path: 'dos.txt', edits: [{ oldText: 'a\nb', newText: 'A\nB\nB2' }] }),
      call('edit', { path: 'latin.txt', edits: [{ oldText: 'a', newText: 'b' }] }),
    );
    expect(await used.read('dos.txt')).toBe('\uFEFFA\r\nB\r\nB2\r\nc\r\n');
    expect(used.answers[1]?.text).toMatch(/not UTF-8/);
  });

  it('does not lose one of two changes of one answer', async () => {
    const one = (oldText: string) => call('edit', { path: 'a.txt', edits: [{ oldText, newText: oldText.toUpperCase() }] });
    await using world = await startTestHost({ turns: [{ toolCalls: [one('a'), one('b'), one('c')] }, {}] }, [], { approval: 'edits' });
    await writeFile(join(world.cwd, 'a.txt'), 'a b c');
    await ask(world.host, 'go');
    expect(await readFile(join(world.cwd, 'a.txt'), 'utf8')).toBe('A B C');
  });
});

describe('read', () => {
  it('cuts a long file and says how to read on, and so to its end', async () => {
    const lines = Array.from({ length: 4500 }, (_, line) => `${line + 1}`);
    await using used = await use(
      { 'a.txt': lines.join('\n') },
      call('read', { path: 'a.txt' }),
      call('read', { path: 'a.txt', offset: 2001 }),
      call('read', { path: 'a.txt', offset: 4001 }),
    );
    const [first, second, third] = used.answers.map(({ text }) => text);
    expect(first).toMatch(/2000\n\n\[2500 more lines; read on with offset=2001\]$/);
    expect(second).toMatch(/^2001\n[^]*\[500 more lines; read on with offset=4001\]$/);
    expect(third?.split('\n')).toEqual(lines.slice(4000));
  });

  it('gives an image as one, by what it is and not by its name', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    await using used = await use({ 'a.png': png, 'b.dat': png, 'c.png': 'no image' }, ...['a.png', 'b.dat', 'c.png'].map((path) => call('read', { path })));
    expect(used.answers.map(({ text }) => text.includes('image/png'))).toEqual([true, true, false]);
    expect(used.answers[2]?.text).toBe('no image');
  });

  it('says what it cannot read', async () => {
    await using used = await use(
      { 'a.bin': Buffer.from([0, 1, 2, 0, 255]), 'd/x': '' },
      call('read', { path: 'a.bin' }),
      call('read', { path: 'd' }),
      call('read', { path: 'no' }),
    );
    expect(used.answers.map(({ text }) => text)).toEqual([
      expect.stringMatching(/binary/),
      expect.stringMatching(/directory/),
      expect.stringMatching(/ENOENT/),
    ]);
  });

  it('reads on in one line that is too long', async () => {
    const long = 'x'.repeat(60_000) + 'end';
    await using used = await use({ 'a.txt': `${long}\nsecond` }, call('read', { path: 'a.txt' }), call('read', { path: 'a.txt', offset: 1, column: 51_201 }));
    expect(used.answers[0]?.text).toMatch(/\[line 1 goes on; read on with offset=1 column=51201\]$/);
    expect(used.answers[1]?.text).toMatch(/xend\nsecond$/);
  });
});

describe('bash', () => {
  it('shows output as it comes, and keeps all of what is too long', async () => {
    await using used = await use({}, call('bash', { command: 'seq 1 5000' }), call('bash', { command: 'echo out; echo err >&2; exit 3' }));
    const [long, failed] = used.answers;
    const [, file] = /the whole is in (\S+)\]/.exec(long?.text ?? '') ?? [];
    expect(long?.text).toMatch(/^\[the last 2000 of 5000 lines/);
    expect((await readFile(file ?? '', 'utf8')).split('\n')).toHaveLength(5001);
    expect(failed).toMatchObject({ isError: true, text: 'out\nerr\n\n[exit code 3]', details: { exitCode: 3 } });
    expect(used.events).toContainEqual(expect.objectContaining({ type: 'tool_execution_update', toolName: 'bash' }));
  });

  it('is ended after its time', async () => {
    await using used = await use({}, call('bash', { command: 'echo begun; sleep 1000', timeout: 0.5 }));
    expect(used.answers[0]).toMatchObject({ isError: true, text: expect.stringMatching(/\[ended after 0.5 seconds\]/) });
  });
});

describe('what bash was refused', () => {
  it.skipIf(shellLayer.kind !== 'live')('becomes one question, and a yes runs the command again with exactly that', async () => {
    const asked: string[] = [];
    const run = async (answer: boolean) => {
      await using world = await startTestHost({ turns: [{ toolCalls: [call('bash', { command: 'echo 1 > node_modules/a && echo did' })] }, {}] }, [], {
        approval: 'edits',
        env: { PATH: process.env['PATH'] },
        ui: { ...withoutUser('rpc', () => undefined), hasUI: true, confirm: async (_title, message) => (asked.push(message), answer) },
      });
      await mkdir(join(world.cwd, 'node_modules'));
      await ask(world.host, 'go');
      return answers(world)[0];
    };
    expect(await run(false)).toMatchObject({ isError: true });
    expect(await run(true)).toMatchObject({ isError: false, text: expect.stringMatching(/run again\]\ndid$/) });
    expect(asked).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/let it write `node_modules`\?/)));
  });

  it.skipIf(shellLayer.kind !== 'live')(
    "is one question for all names of a command, reads among them; a rule of the user's against one asks nothing",
    async () => {
      const asked: string[] = [];
      const run = async (settings: object) => {
        const dashHome = await temporaryDirectory();
        await writeFile(join(dashHome, 'settings.json'), JSON.stringify(settings));
        const command = 'cat .env one/key.pem; echo 1 > node_modules/a && cat .env one/key.pem';
        await using world = await startTestHost({ turns: [{ toolCalls: [call('bash', { command })] }, {}] }, [], {
          dashHome,
          approval: 'edits',
          env: { PATH: process.env['PATH'] },
          ui: { ...withoutUser('rpc', () => undefined), hasUI: true, confirm: async (_title, message) => (asked.push(message), true) },
        });
        for (const path of ['node_modules', 'one']) await mkdir(join(world.cwd, path));
        for (const path of ['.env', 'one/key.pem']) await writeFile(join(world.cwd, path), 'hush');
        await ask(world.host, 'go');
        return answers(world)[0];
      };
      expect(await run({})).toMatchObject({ isError: false, text: expect.stringMatching(/run again\]\n(hush){4}$/) });
      expect(asked).toEqual([expect.stringMatching(/let it read `\.env`, `one\/key\.pem` and write `node_modules`\?/)]);
      expect(await run({ permissions: { deny: ['fs:read:./one/**'] } })).toMatchObject({ isError: true, text: expect.not.stringContaining('hush') });
      expect(asked).toHaveLength(1);
    },
  );
});

describe('grep', () => {
  it('ends an expression that would never end', async () => {
    await using used = await use({ 'a.txt': `${'a'.repeat(40)}!` }, call('grep', { pattern: '(a+)+$' }));
    expect(used.answers[0]).toMatchObject({ isError: true, text: expect.stringMatching(/too long/) });
  });

  it('leaves out what git ignores', async () => {
    await using used = await use(
      {
        '.gitignore': 'built/\n*.log\n!keep.log\n',
        'a.txt': 'needle',
        'built/a.txt': 'needle',
        'x.log': 'needle',
        'keep.log': 'needle',
        'sub/.gitignore': '/only.txt\n',
        'sub/only.txt': 'needle',
        'sub/y/only.txt': 'needle',
      },
      call('grep', { pattern: 'needle' }),
      call('find', { pattern: '*.txt' }),
      call('grep', { pattern: 'needle', path: 'built' }),
    );
    expect(used.answers.map(({ text }) => text.split('\n'))).toEqual([
      ['a.txt:1: needle', 'keep.log:1: needle', 'sub/y/only.txt:1: needle'],
      ['a.txt', 'sub/y/only.txt'],
      ['a.txt:1: needle'],
    ]);
  });
});

describe('the difference of two texts', () => {
  it.for([
    ['a', 'a', ''],
    ['a\nb\nc', 'a\nc', '@@ -1,3 +1,2 @@\n a\n-b\n c'],
    ['', 'x', '@@ -0,0 +1,1 @@\n+x'],
    ['', 'x\ny\n', '@@ -0,0 +1,2 @@\n+x\n+y'],
    ['x\n', '', '@@ -1,1 +0,0 @@\n-x'],
    ['', '\n', '@@ -0,0 +1,1 @@\n+'],
    ['a\nb\n', 'a\nc\n', '@@ -1,2 +1,2 @@\n a\n-b\n+c'],
    ['a', 'a\n', '@@ -1,1 +1,2 @@\n a\n+'],
  ] as const)('%j and %j', ([before, after, expected]) => {
    expect(diffOf(before, after)).toBe(expected);
  });

  it('is told in pieces, with line numbers of both sides', () => {
    const before = Array.from({ length: 40 }, (_, line) => `${line}`);
    const after = before.toSpliced(30, 1).toSpliced(5, 0, 'new');
    const diff = diffOf(before.join('\n'), after.join('\n'));
    expect(diff.split('\n').filter((line) => line.startsWith('@@'))).toEqual(['@@ -3,6 +3,7 @@', '@@ -28,7 +29,6 @@']);
    expect(firstChangedLine(before.join('\n'), after.join('\n'))).toBe(6);
  });
});
