import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Json, RpcSession } from './demo/rpc-session.ts';
import { BIN, confirm, environment, type Person, run, succeeded } from './demo/stage.ts';
import { answerDialogs } from './real-packages/answer-dialogs.ts';
import { type Attempt, otherTrials, tenTrials, type Trial } from './real-packages/trials.ts';

/**
 * Installs packages that nobody here wrote, from the npm registry that npm is configured for, and tries each: it works,
 * or it names what the sandbox cannot do. Run by hand, for it needs the network: `node scripts/real-packages.ts`, with
 * `--write` to put the table into the README, with names to try only those.
 */
interface Outcome {
  readonly spec: string;
  readonly brings: string;
  readonly happened: string;
  readonly isAsExpected: boolean;
}

const write = process.argv.includes('--write');
const only = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const root = mkdtempSync(join(tmpdir(), 'dash-packages-'));
const search = await startSearch();
const registry = succeeded(await run('npm', ['config', 'get', 'registry'], { cwd: root, env: process.env }), 'npm config').stdout.trim();
const ten = tenTrials(search.url);
const chosen = [...ten, ...otherTrials].filter(({ spec }) => only.length === 0 || only.some((name) => spec.startsWith(name)));

try {
  const outcomes: Outcome[] = [];
  for (const [index, trial] of chosen.entries()) {
    const outcome = await tryPackage(trial, join(root, `${index}`)).catch((error: unknown): Outcome => ({
      spec: trial.spec,
      brings: '',
      happened: `FAILED: ${error instanceof Error ? error.message : String(error)}`,
      isAsExpected: false,
    }));
    process.stderr.write(`${outcome.isAsExpected ? '✓' : '✗'} ${outcome.spec}: ${outcome.happened}\n`);
    outcomes.push(outcome);
  }
  process.stdout.write(formatTable(outcomes));
  const failed = outcomes.filter(({ isAsExpected }) => !isAsExpected);
  if (failed.length > 0) process.exitCode = 1;
  else if (write) writeTable(formatTable(outcomes.filter(({ spec }) => ten.some((trial) => trial.spec === spec))));
} finally {
  search.close();
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
}

async function tryPackage({ spec, grants = [], files = {}, variables = {}, attempts, remark }: Trial, place: string): Promise<Outcome> {
  const [home, workspace] = [join(place, 'home'), join(place, 'workspace')];
  for (const directory of [home, workspace]) mkdirSync(directory, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  const person: Person = { home, dashHome: join(home, '.dash'), variables: { ...npmVariables(), ...variables } };
  const dash = (...args: readonly string[]) => run(process.execPath, [BIN, ...args], { cwd: workspace, env: environment(person) });

  const brings = describeInspection(JSON.parse(succeeded(await dash('inspect', `npm:${spec}`, '--json'), 'inspect').stdout) as Inspected);
  succeeded(await dash('install', `npm:${spec}`, '--min-age', '0', ...grants.flatMap((grant) => ['--grant', grant])), 'install');
  const name = spec.slice(0, spec.lastIndexOf('@'));
  const said: string[] = [];
  for (const attempt of attempts) said.push(await tryOnce(attempt));
  return { spec, brings, happened: `${said.join('; ')}${remark === undefined ? '' : `. ${remark[0]?.toUpperCase()}${remark.slice(1)}`}`, isAsExpected: true };

  async function tryOnce(attempt: Attempt): Promise<string> {
    const what = describeAttempt(attempt);
    const texts =
      attempt.kind === 'call'
        ? await textsOfCall(attempt)
        : attempt.kind === 'say'
          ? await textsOfRun(attempt)
          : [(await dash('inspect', `npm:${spec}`)).stdout];
    const { expect } = attempt;
    const found = texts.find((text) => (typeof expect === 'string' ? text.startsWith(`${expect}:`) : expect.test(text)));
    confirm(found !== undefined, `${what} did not answer ${String(expect)} but ${JSON.stringify(texts).slice(0, 2_000)}`);
    if (typeof expect === 'string') return `${what}: \`${expect}\``;
    return `${what}: “${(expect.exec(found)?.[0] ?? '').slice(0, 60)}”`;
  }

  async function textsOfCall({ tool, args = {} }: Attempt & { kind: 'call' }): Promise<readonly string[]> {
    const { stdout } = await dash('call', tool, JSON.stringify(args), '--package', name, '--json');
    const { result, error } = JSON.parse(stdout) as { result?: { content: { text?: string }[] }; error?: { code: string; message: string } };
    return error === undefined ? (result?.content ?? []).map(({ text = '' }) => text) : [`${error.code}: ${error.message}`];
  }

  /** What a client of rpc mode is told in one run; of every choice it takes the first. */
  async function textsOfRun({ prompt, model = [{ text: 'done' }] }: Attempt & { kind: 'say' }): Promise<readonly string[]> {
    const script = join(place, 'script.json');
    writeFileSync(script, JSON.stringify({ turns: model, repeat: true }));
    using host = new RpcSession(person, workspace, ['--model', `scripted:${script}`, '--trust-project']);
    // what is not granted stays so
    const dialogs = answerDialogs(host, 'no');
    await host.send({ type: 'prompt', message: prompt });
    // A command may have begun a run, and what is said always does.
    await host.send({ type: 'get_state' });
    if (!prompt.startsWith('/') || host.records.some(({ type }) => type === 'agent_start')) await host.wait(({ type }) => type === 'agent_end');
    await host.close();
    void dialogs;
    return host.records.flatMap(textOf);
  }
}

function describeAttempt(attempt: Attempt): string {
  switch (attempt.kind) {
    case 'call':
      return `tool \`${attempt.tool}\``;
    case 'inspect':
      return '`dash inspect`';
    case 'say':
      return attempt.prompt.startsWith('/') ? `\`${attempt.prompt}\`` : 'in a session';
  }
}

function textOf(record: Json): string[] {
  const { type, method, message, code, error } = record;
  if (type === 'extension_ui_request' && method === 'notify') return [String(message)];
  if (type === 'extension_error') return [`${String(code)}: ${String(error)}`];
  if (type === 'message_end') return [JSON.stringify(message).replaceAll('\\"', '"')];
  return [];
}

interface Inspected {
  readonly skills: readonly unknown[];
  readonly resources: { readonly prompts: readonly unknown[]; readonly themes: readonly unknown[] };
  readonly extensions: readonly {
    readonly tools?: readonly unknown[];
    readonly commands?: readonly unknown[];
    readonly events?: readonly unknown[];
    readonly needs?: readonly unknown[];
  }[];
}

function describeInspection({ skills, resources, extensions }: Inspected): string {
  const sum = (kind: 'tools' | 'commands' | 'events'): number => extensions.reduce((total, extension) => total + (extension[kind]?.length ?? 0), 0);
  const counts = {
    tool: sum('tools'),
    command: sum('commands'),
    event: sum('events'),
    skill: skills.length,
    prompt: resources.prompts.length,
    theme: resources.themes.length,
  };
  const told = Object.entries(counts).flatMap(([kind, count]) => (count === 0 ? [] : [`${count} ${kind}${count === 1 ? '' : 's'}`]));
  return [...told, ...(extensions.some(({ needs = [] }) => needs.length > 0) ? ['an extension that says what it offers when it has its grants'] : [])].join(
    ', ',
  );
}

function formatTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ spec, brings, happened }) => `| \`${spec}\` | ${brings} | ${happened.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`);
  return `| package | brings | what was tried, and what it answered |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function writeTable(table: string): void {
  const readme = fileURLToPath(new URL('../README.md', import.meta.url));
  const text = readFileSync(readme, 'utf8');
  const block = /(<!-- packages -->\n)[^]*?(<!-- \/packages -->)/;
  confirm(block.test(text) && only.length === 0, 'the table has a place in README.md, and all of it is written');
  writeFileSync(
    readme,
    text.replace(block, (_, start: string, end: string) => `${start}${table}${end}`),
  );
}

/** How the user's npm reaches its registry: address, proxy, certificates and rights. */
function npmVariables(): Record<string, string | undefined> {
  const known = Object.entries(process.env).filter(([name]) => /^npm_config_|_proxy$|^NODE_EXTRA_CA_CERTS$|^SSL_CERT_/i.test(name));
  return { npm_config_userconfig: join(homedir(), '.npmrc'), ...Object.fromEntries(known), npm_config_registry: registry };
}

/** A search engine on loopback, with one result. */
async function startSearch(): Promise<{ readonly url: string; close(): void }> {
  const results = [{ title: 'A result about sandboxes', url: 'https://example.com/', content: 'what they keep in' }];
  const server = createServer((_request, response) => void response.setHeader('content-type', 'application/json').end(JSON.stringify({ results })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}`, close: () => void server.close() };
}
