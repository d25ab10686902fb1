import ivm from 'isolated-vm';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import {
  access,
  appendFile,
  chmod,
  copyFile,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { relative } from 'node:path';
import { createNativeWork } from '../../sandbox/process/native-work.ts';
import { bundleExpression, guestParts } from '../../sandbox/guest/build/parts.ts';

/** A V8 isolate with the guest's libraries in it, and a broker over the real file system that allows everything. */
export interface BareIsolate extends Disposable {
  /** Runs the body of an async function with `require`; resolves with its JSON-able result. */
  run(code: string): Promise<unknown>;
  readonly log: readonly { readonly level: string; readonly text: string }[];
}

/** Every parameter of the capabilities below; each uses its own. */
interface Params {
  readonly path: string;
  readonly from: string;
  readonly to: string;
  readonly prefix: string;
  readonly recursive: boolean;
  readonly force: boolean;
  readonly follow: boolean;
  readonly encoding?: 'utf8';
  readonly kind: string;
  readonly flag: string;
  readonly mode: number;
  readonly size: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
}

let scripts: Promise<{ readonly core: string; readonly parts: readonly string[] }> | undefined;

export async function openBareIsolate(
  cwd: string,
  options: { readonly parts?: boolean; readonly deny?: (capability: string, params: Params) => Error | undefined } = {},
): Promise<BareIsolate> {
  scripts ??= (async () => {
    const [core, parts] = await Promise.all([bundleExpression(new URL('./guest-under-test.ts', import.meta.url)), guestParts()]);
    return { core, parts: parts.filter(({ name }) => name !== 'core').map(({ source }) => source) };
  })();
  const { core, parts } = await scripts;
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = await isolate.createContext();
  const log: { level: string; text: string }[] = [];
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const timers = new Map<number, NodeJS.Timeout>();
  const controllers = new Map<number, AbortController>();
  const programs = new Map<number, ChildProcess>();
  let lastRun = 0;
  let open = true;

  const answer = async (capability: string, params: Params, signal?: AbortSignal): Promise<object> => {
    try {
      const denied = options.deny?.(capability, params);
      if (denied !== undefined) throw denied;
      if (capability === 'exec.write' || capability === 'exec.signal') return { value: tellProgram(params as unknown as TellParams, programs) };
      const perform = capabilities[capability];
      if (perform === undefined) throw new Error(`no capability ${capability}`);
      return { value: await perform(params, signal) };
    } catch (error) {
      const { message, code = 'ERR' } = error as NodeJS.ErrnoException;
      return { error: { message, code } };
    }
  };
  const tell = (message: object) => {
    if (!open) return;
    void runtime
      .get('tell', { reference: true })
      .then((call) => call.apply(undefined, [JSON.stringify(message)]))
      .catch((error: unknown) => {
        if (open) throw error;
      });
  };
  const post = (text: string) => {
    const [, kind, rest = ''] = /^(T\+|T-|M|R)([^]*)$/.exec(text) ?? [];
    if (kind === 'T+') {
      const [id = 0, delay = 0] = rest.split(' ').map(Number);
      timers.set(
        id,
        setTimeout(() => tell({ kind: 'timer', id }), delay),
      );
    } else if (kind === 'T-') {
      clearTimeout(timers.get(Number(rest)));
    } else if (kind === 'R') {
      const { id, value, error } = JSON.parse(rest) as { id: number; value?: unknown; error?: string };
      if (error === undefined) waiting.get(id)?.resolve(value);
      else waiting.get(id)?.reject(new Error(error));
    } else {
      const message = JSON.parse(rest) as { kind: string; id: number; capability: string; params: Params; level: string; text: string };
      if (message.kind === 'log') log.push({ level: message.level, text: message.text });
      if (message.kind === 'cancel' || message.kind === 'unsubscribe') controllers.get(message.id)?.abort();
      if (message.kind === 'request') {
        const controller = new AbortController();
        controllers.set(message.id, controller);
        void answer(message.capability, message.params, controller.signal).then((reply) => tell({ kind: 'answer', id: message.id, ...reply }));
      }
      if (message.kind === 'subscribe') {
        const controller = new AbortController();
        controllers.set(message.id, controller);
        const say = (value: object) => tell({ kind: 'event', id: message.id, ...value });
        if (message.capability === 'exec.start') return startProgram(message.params as unknown as ProgramParams, programs, controller.signal, say);
        const { path, recursive } = message.params;
        const watcher = watch(path, { recursive, signal: controller.signal }, (event, filename) =>
          tell({ kind: 'event', id: message.id, value: { event, filename } }),
        );
        watcher.on('error', (error) => tell({ kind: 'event', id: message.id, error: { code: 'ERR', message: error.message } }));
      }
    }
  };

  const bootstrap = await (await isolate.compileScript(core, { filename: 'core.js' })).run(context, { reference: true });
  const facts = { cwd, home: '/home/user', tmp: '/tmp', agentDir: '/agent', env: { GRANTED: 'yes' }, platform: 'linux', arch: 'x64', columns: 91 };
  const work = createNativeWork();
  const ask = async (text: string) => {
    if (text.startsWith('N')) return work(text.slice(1));
    const { capability, params } = JSON.parse(text) as { capability: string; params: Params };
    return JSON.stringify(await answer(capability, params));
  };
  const runtime = (await bootstrap.apply(undefined, [new ivm.Callback(post, { ignored: true }), new ivm.Reference(ask), JSON.stringify(facts)], {
    result: { reference: true },
  })) as ivm.Reference<Record<string, unknown>>;
  if (options.parts) {
    for (const part of parts) {
      const script = await (await isolate.compileScript(part, { filename: 'part.js' })).run(context, { reference: true });
      await (await runtime.get('addPart', { reference: true })).apply(undefined, [script.derefInto()]);
    }
  }

  return {
    log,
    run: async (code) => {
      const id = ++lastRun;
      const result = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
      result.catch(() => {}); // it may fail before the next line is done
      await (await runtime.get('run', { reference: true })).apply(undefined, [id, code]);
      return result;
    },
    [Symbol.dispose]: () => {
      open = false;
      for (const timer of timers.values()) clearTimeout(timer);
      for (const controller of controllers.values()) controller.abort();
      for (const program of programs.values()) program.kill('SIGKILL');
      isolate.dispose();
    },
  };
}

type Perform = (params: Params, signal?: AbortSignal) => Promise<unknown>;

const bytesOf = (given: unknown): Buffer => {
  const { text, base64 } = given as { text?: string; base64?: string };
  return base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
};

/** What the broker's capabilities do, without its decisions. */
const capabilities: Readonly<Record<string, Perform>> = {
  'fs.readFile': async ({ path, encoding }) =>
    encoding === 'utf8' ? { text: await readFile(path, 'utf8') } : { base64: (await readFile(path)).toString('base64') },
  'fs.writeFile': async (params) => {
    const { path, flag, mode } = params;
    await (flag === 'a' ? appendFile(path, bytesOf(params), { mode }) : writeFile(path, bytesOf(params), { flag, mode }));
    return {};
  },
  'fs.stat': async ({ path, follow }) => {
    const found = await (follow ? stat(path) : lstat(path));
    const { size, mode, mtimeMs, atimeMs, ctimeMs, birthtimeMs, ino, dev, nlink, uid, gid } = found;
    return { type: typeOf(found), size, mode, mtimeMs, atimeMs, ctimeMs, birthtimeMs, ino, dev, nlink, uid, gid };
  },
  'fs.readdir': async ({ path, recursive }) => ({
    entries: (await readdir(path, { withFileTypes: true, recursive })).map((entry) => ({
      name: entry.name,
      parent: relative(path, entry.parentPath),
      type: typeOf(entry),
    })),
  }),
  'fs.mkdir': async ({ path, recursive }) => ({ first: await mkdir(path, { recursive }) }),
  'fs.remove': async ({ path, recursive, force, kind }) => {
    if (kind === 'file') await unlink(path);
    else if (kind === 'directory' && !recursive) await rmdir(path);
    else await rm(path, { recursive, force });
    return {};
  },
  'fs.rename': async ({ from, to }) => (await rename(from, to), {}),
  'fs.copy': async ({ from, to, recursive, force }) => (await (recursive ? cp(from, to, { recursive, force }) : copyFile(from, to, force ? 0 : 1)), {}),
  'fs.access': async ({ path, mode }) => (await access(path, mode), {}),
  'fs.realpath': async ({ path }) => ({ path: await realpath(path) }),
  'fs.mkdtemp': async ({ prefix }) => ({ path: await mkdtemp(prefix) }),
  'fs.utimes': async ({ path, atimeMs, mtimeMs }) => (await utimes(path, atimeMs / 1000, mtimeMs / 1000), {}),
  'fs.chmod': async ({ path, mode }) => (await chmod(path, mode), {}),
  'crypto.random': async ({ size }) => ({ base64: randomBytes(size).toString('base64') }),
  'net.fetch': async (params, signal) => {
    const { url, method, headers, redirect, body } = params as unknown as {
      url: string;
      method: string;
      headers: [string, string][];
      redirect: 'follow';
      body?: unknown;
    };
    const response = await fetch(url, { method, headers, redirect, signal, ...(body !== undefined && { body: new Uint8Array(bytesOf(body)) }) });
    return {
      status: response.status,
      statusText: response.statusText,
      url: response.url,
      redirected: response.redirected,
      headers: [...response.headers],
      base64: Buffer.from(await response.arrayBuffer()).toString('base64'),
    };
  },
  'exec.run': (params, signal) =>
    new Promise((resolve, reject) => {
      const { file, args, cwd, env, shell, input, timeoutMs } = params as unknown as {
        file: string;
        args: string[];
        cwd?: string;
        env?: Record<string, string>;
        shell: boolean;
        input?: unknown;
        timeoutMs?: number;
      };
      // SHLVL: a bash of the first level whose input is a socket thinks it was started by rshd, and reads ~/.bashrc.
      const child = execFile(
        file,
        args,
        { cwd, env: { PATH: process.env['PATH'], SHLVL: '2', ...env }, shell, timeout: timeoutMs, signal, encoding: 'buffer' },
        (error, stdout, stderr) => {
          if (error !== null && typeof error.code === 'string') return reject(error);
          resolve({
            code: child.exitCode,
            signal: child.signalCode,
            stdout: { base64: stdout.toString('base64') },
            stderr: { base64: stderr.toString('base64') },
          });
        },
      );
      child.stdin?.on('error', () => {});
      child.stdin?.end(input === undefined ? undefined : bytesOf(input));
    }),
  'model.complete': async (params) => {
    const { model } = params as unknown as { model: { provider: string; id: string } };
    return { role: 'assistant', content: [{ type: 'text', text: `${model.provider}/${model.id}` }], stopReason: 'stop' };
  },
  'agent.query': async () => [{ provider: 'p', id: 'm' }],
};

interface ProgramParams {
  readonly id: number;
  readonly file: string;
  readonly args: string[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly shell: boolean;
  readonly timeoutMs?: number;
}

interface TellParams {
  readonly id: number;
  readonly bytes?: unknown;
  readonly end?: boolean;
  readonly signal?: NodeJS.Signals;
}

/** `exec.start`, without its decisions and without a confinement. */
function startProgram(
  { id, file, args, cwd, env, shell, timeoutMs }: ProgramParams,
  programs: Map<number, ChildProcess>,
  signal: AbortSignal,
  say: (value: object) => void,
): void {
  const child = spawn(file, args, { cwd, env: { PATH: process.env['PATH'], SHLVL: '2', ...env }, shell, signal, timeout: timeoutMs });
  programs.set(id, child);
  child.stdin.on('error', () => {});
  child.on('spawn', () => say({ value: { kind: 'started' } }));
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (bytes: Buffer) => say({ value: { kind: 'output', stream, base64: bytes.toString('base64') } }));
  }
  child.on('error', (error: NodeJS.ErrnoException) => say({ error: { code: error.code, message: error.message } }));
  child.on('close', (code, ended) => say({ value: { kind: 'ended', code, signal: ended } }));
}

function tellProgram({ id, bytes, end, signal }: TellParams, programs: Map<number, ChildProcess>): object {
  const child = programs.get(id);
  if (signal !== undefined) child?.kill(signal);
  if (bytes !== undefined) child?.stdin?.write(bytesOf(bytes));
  if (end) child?.stdin?.end();
  return {};
}

function typeOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): string {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'other';
}
