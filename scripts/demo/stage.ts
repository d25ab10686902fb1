import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Two people on one machine, each with a home of their own, and the loopback servers between them. */
export interface Person {
  readonly home: string;
  readonly dashHome: string;
  /** Besides what every person's environment holds. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Step {
  readonly name: string;
  readonly ms: number;
  readonly witness: string;
}

export const BIN = fileURLToPath(new URL('../../bin/dash.js', import.meta.url));

/** Everything lies in one temporary directory that goes away with the demo. */
export class Stage implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'dash-demo-'));
  readonly steps: Step[] = [];
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  person(name: string, registry: string, token?: string): Person {
    const home = join(this.directory, name);
    mkdirSync(home);
    const host = registry.replace(/^https?:/, '');
    writeFileSync(join(home, '.npmrc'), `registry=${registry}/\n${token === undefined ? '' : `${host}/:_authToken=${token}\n`}`);
    writeFileSync(join(home, '.gitconfig'), `[user]\n\tname = ${name}\n\temail = ${name}@example.com\n[init]\n\tdefaultBranch = main\n`);
    return { home, dashHome: join(home, '.dash') };
  }

  /** Runs `dash …` as a person would; the environment holds nothing of the real user. */
  async dash(person: Person, cwd: string, ...args: readonly string[]): Promise<CliResult> {
    const shown = args.map((arg) => (/[\s'"]/.test(arg) ? `'${arg}'` : arg)).join(' ');
    this.#say(`$ dash ${shown}`);
    return run(process.execPath, [BIN, ...args], { cwd, env: environment(person) });
  }

  /** Does one step and lets somebody else than the program confirm it. A witness that says nothing ends the demo. */
  async step<T>(name: string, act: () => Promise<T>, witness: (result: T) => string | Promise<string>): Promise<T> {
    this.#say(`\n${this.steps.length + 1}. ${name}`);
    const start = performance.now();
    const result = await act();
    const ms = performance.now() - start;
    const confirmed = await witness(result);
    this.#say(`   ✓ ${confirmed} (${Math.round(ms)} ms)`);
    this.steps.push({ name, ms, witness: confirmed });
    return result;
  }

  [Symbol.dispose](): void {
    // Directories of the store are read-only; their owner may still remove them.
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

export function environment({ home, dashHome, variables = {} }: Person): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    DASH_HOME: dashHome,
    NO_COLOR: '1',
    LANG: 'C.UTF-8',
    npm_config_cache: join(home, '.npm'),
    npm_config_userconfig: join(home, '.npmrc'),
    npm_config_update_notifier: 'false',
    ...variables,
  };
}

export async function run(
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<CliResult> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { promise, resolve, reject } = Promise.withResolvers<CliResult>();
  child.on('error', reject);
  child.on('close', (code) => resolve({ exitCode: code ?? 1, stdout, stderr }));
  return promise;
}

/** @throws when something that must hold does not */
export function confirm(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

export function succeeded(result: CliResult, what: string): CliResult {
  confirm(result.exitCode === 0, `${what} ended with ${result.exitCode}\n${result.stdout}\n${result.stderr}`);
  return result;
}

/** A server on loopback that counts who comes by: what a stolen secret would reach. */
export async function startCollector(): Promise<{ readonly url: string; readonly port: number; readonly hits: () => number; close(): Promise<void> }> {
  let hits = 0;
  const server = createServer((_request, response) => {
    hits++;
    response.end('thank you');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the collector has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    hits: () => hits,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
