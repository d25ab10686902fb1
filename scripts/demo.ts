import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveRegistry } from '../registry/serve/index.ts';
import { extensionSource, packageJson } from './demo/extension-source.ts';
import { RpcSession, toolText } from './demo/rpc-session.ts';
import { confirm, environment, run, Stage, startCollector, succeeded } from './demo/stage.ts';

/**
 * `npm run demo`: the first journey from an author's empty directory to a reload in a running host, with real
 * parts on loopback. Nothing is believed because Dash says so: every step has a second witness.
 */
const asJson = process.argv.includes('--json');
const say = (text: string): void => {
  if (!asJson) process.stdout.write(`${text}\n`);
};

const NAME = 'note-reader';
const SKILL = 'release-notes';

using stage = new Stage(say);
const openHosts: RpcSession[] = [];
const token = 'demo-publish-token';
const registry = await serveRegistry({ dir: join(stage.directory, 'registry'), port: 0, token });
const registryUrl = registry.url.replace(/\/$/, '');
const collector = await startCollector();
const author = stage.person('author', registryUrl, token);
const user = stage.person('user', registryUrl);
const workspace = join(stage.directory, 'workspace');
mkdirSync(workspace);
writeFileSync(join(workspace, 'note.txt'), 'the-secret-of-the-project\n');
const source = join(author.home, NAME);

try {
  await stage.step(
    'an author creates an extension and a skill from the templates',
    async () => {
      succeeded(await stage.dash(author, author.home, 'create', 'extension', NAME), 'create extension');
      succeeded(await stage.dash(author, author.home, 'create', 'skill', SKILL), 'create skill');
    },
    () => {
      const files = [join(source, 'src/index.ts'), join(author.home, SKILL, 'SKILL.md')];
      confirm(files.every(existsSync), 'the files are not on disk');
      return 'both are on disk and pass `dash check`';
    },
  );

  await stage.step(
    'edits, checks and publishes the extension; commits the skill to a git repository',
    async () => {
      writeFileSync(join(source, 'package.json'), packageJson(NAME, collector.port));
      writeFileSync(join(source, 'src/index.ts'), extensionSource({ greeting: 'v1', collector: collector.url }));
      succeeded(await stage.dash(author, source, 'check'), 'check');
      succeeded(await stage.dash(author, source, 'publish', '--confirm'), 'publish');
      const git = async (...args: readonly string[]): Promise<void> => {
        succeeded(await run('git', args, { cwd: join(author.home, SKILL), env: environment(author) }), `git ${args[0]}`);
      };
      await git('init', '--quiet');
      await git('add', '--all');
      await git('commit', '--quiet', '--message', 'The skill');
    },
    async () => {
      const reply = await fetch(`${registryUrl}/-/v1/search?text=keywords:dash-package`);
      const { objects } = (await reply.json()) as { objects: { package: { name: string; keywords: string[] } }[] };
      const found = objects.find(({ package: { name } }) => name === NAME);
      confirm(found !== undefined, 'the registry does not find the package by the keyword dash-package');
      return 'the registry finds it by the keyword dash-package, which nobody typed';
    },
  );

  await stage.step(
    'a user without a terminal and without grants gets nothing',
    () => stage.dash(user, workspace, 'install', `npm:${NAME}`, '--min-age', '0', '--json'),
    ({ exitCode, stdout }) => {
      confirm(exitCode === 4 && stdout.includes('CONSENT_REQUIRED'), `expected CONSENT_REQUIRED and exit 4, got ${exitCode}: ${stdout}`);
      confirm(!existsSync(join(user.dashHome, 'state/current')), 'something was installed');
      return 'exit 4, CONSENT_REQUIRED, and no generation on disk';
    },
  );

  await stage.step(
    'installs the extension with one grant and without the other, and the skill from git (--min-age 0: both were made a moment ago)',
    async () => {
      const grants = ['--grant', 'fs:read:./note.txt', '--deny', `net:127.0.0.1:${collector.port}`, '--min-age', '0'];
      const extension = succeeded(await stage.dash(user, workspace, 'install', `npm:${NAME}`, ...grants), 'install npm');
      say(indent(extension.stderr + extension.stdout));
      const skill = succeeded(await stage.dash(user, workspace, 'install', `git:${join(author.home, SKILL)}`, '--min-age', '0'), 'install git');
      say(indent(skill.stderr + skill.stdout));
    },
    () => {
      const grants = readFileSync(join(user.dashHome, 'grants.json'), 'utf8');
      confirm(grants.includes('fs:read:./note.txt'), 'the grant is not in grants.json');
      const generation = currentGeneration();
      confirm(existsSync(join(user.dashHome, 'dash.lock')), 'there is no lock');
      return `generation ${generation} and the lock name both; grants.json holds one grant`;
    },
  );

  const script = writeScript('first', [
    { toolCalls: [{ name: 'read_note', arguments: {} }] },
    { text: 'done' },
    { toolCalls: [{ name: 'read_note', arguments: {} }] },
    { text: 'done' },
  ]);
  await stage.step(
    'a model calls the tool: it runs in a process of its own, reads the granted file both ways, is denied the host',
    async () => {
      using host = new RpcSession(user, workspace, ['--model', `scripted:${script}`]);
      const records = await host.run('please read the note');
      const children = childrenOf(host.pid);
      await host.close();
      return { ...toolText(records, 'read_note'), children };
    },
    async ({ text, children }) => {
      confirm(text.includes('v1 sync=the-secret-of-the-project async=the-secret-of-the-project'), `the tool answered ${text}`);
      confirm(/not shared: .*EACCES: permission denied/.test(text), `the denial is not in the answer: ${text}`);
      confirm(collector.hits() === 0, `the collector has ${collector.hits()} hits`);
      confirm((await (await fetch(collector.url)).text()) === 'thank you' && collector.hits() === 1, 'the collector does not count');
      confirm(
        children.some(({ command }) => command.includes('--jitless')),
        `no sandbox process among ${JSON.stringify(children)}`,
      );
      const log = await stage.dash(user, workspace, 'audit', 'log', '--json');
      confirm(log.stdout.includes('"deny"') && auditFiles().includes(`127.0.0.1:${collector.port}`), 'the denial is not in the trail');
      return `sandbox process ${children.find(({ command }) => command.includes('--jitless'))?.pid} under host; collector: 0 hits (1 when we knocked ourselves); the denial is in the trail`;
    },
  );

  await stage.step(
    'links the source in place of the package, edits it, reloads: new code answers, a call in flight ends on the old code',
    async () => {
      succeeded(
        await stage.dash(user, workspace, 'install', source, '--grant', 'fs:read:./note.txt', '--deny', `net:127.0.0.1:${collector.port}`),
        'install directory',
      );
      const turns = [
        { toolCalls: [{ name: 'read_note', arguments: { waitMs: 1_500 } }] },
        { text: 'slow done' },
        { toolCalls: [{ name: 'read_note', arguments: {} }] },
        { text: 'fast done' },
        { toolCalls: [{ name: 'read_note', arguments: {} }] },
        { text: 'done' },
      ];
      const host = new RpcSession(user, workspace, ['--model', `scripted:${writeScript('reload', turns)}`]);
      const from = host.records.length;
      await host.send({ type: 'prompt', message: 'slowly please' });
      await host.wait((record) => record.type === 'tool_execution_start', from);
      writeFileSync(join(source, 'src/index.ts'), extensionSource({ greeting: 'v2', collector: collector.url }));
      await host.send({ type: 'prompt', message: '/reload' });
      await host.wait((record) => record.type === 'agent_end', from);
      const inFlight = toolText(host.records.slice(from), 'read_note').text;
      const after = toolText(await host.run('again'), 'read_note').text;
      return { host, inFlight, after };
    },
    ({ inFlight, after, host }) => {
      confirm(inFlight.startsWith('v1 '), `the call in flight answered ${inFlight}`);
      confirm(after.startsWith('v2 '), `after the reload the tool answered ${after}`);
      openHosts.push(host);
      return `in flight: "${inFlight.slice(0, 3)}", after: "${after.slice(0, 3)}"; one host, process ${host.pid}`;
    },
  );

  await stage.step(
    'breaks the source, reloads: the last good version answers, the error names file and line',
    async () => {
      const [host] = openHosts;
      if (host === undefined) throw new Error('the host is gone');
      writeFileSync(join(source, 'src/index.ts'), extensionSource({ greeting: 'v3', collector: collector.url, failing: true }));
      const from = host.records.length;
      await host.send({ type: 'prompt', message: '/reload' });
      const records = await host.run('once more');
      const said = JSON.stringify(host.records.slice(from)) + host.stderr;
      const state = await host.send({ type: 'get_state' });
      await host.close();
      return { text: toolText(records, 'read_note').text, said, state };
    },
    ({ text, said, state }) => {
      confirm(text.startsWith('v2 '), `the tool answered ${text}`);
      confirm(/src\/index\.ts:8|"path":"[^"]*src\/index\.ts","line":8/.test(said), `the error does not name src/index.ts:8: ${said}`);
      const { sessionFile } = (state.data ?? {}) as { sessionFile?: string };
      confirm(typeof sessionFile === 'string' && readFileSync(sessionFile, 'utf8').includes('v2 sync='), 'the session file does not hold the answer');
      return 'v2 still answers; the error names src/index.ts:8; the session file holds the answers';
    },
  );

  report();
} catch (error) {
  process.stderr.write(`\ndemo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  for (const host of openHosts) host[Symbol.dispose]();
  await Promise.all([registry.close(), collector.close()]);
}

function report(): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ ok: true, steps: stage.steps.map(({ name, ms, witness }) => ({ name, ms: Math.round(ms), witness })) })}\n`);
    return;
  }
  say(`\n${'ms'.padStart(6)}  what happened`);
  for (const { name, ms } of stage.steps) say(`${String(Math.round(ms)).padStart(6)}  ${name}`);
}

function writeScript(name: string, turns: readonly object[]): string {
  const file = join(stage.directory, `${name}.json`);
  writeFileSync(file, JSON.stringify({ turns }));
  return file;
}

/** The kernel's word on who started whom. */
function childrenOf(pid: number): { pid: number; command: string }[] {
  const children: { pid: number; command: string }[] = [];
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === pid) children.push({ pid: Number(entry), command: readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ') });
    } catch {
      // it ended while we looked
    }
  }
  return children;
}

function auditFiles(): string {
  const directory = join(user.dashHome, 'audit');
  return readdirSync(directory)
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .join('');
}

/** `state/current` names the generation and the hash of its file. */
function currentGeneration(): string {
  return readFileSync(join(user.dashHome, 'state/current'), 'utf8').split(' ', 1).join('');
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '   | ');
}
