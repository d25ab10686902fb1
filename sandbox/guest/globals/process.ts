import type { GuestLink } from '../link.ts';

declare const __NODE_VERSIONS__: Readonly<Record<string, string>>;

export interface ProcessParts {
  readonly link: Pick<GuestLink, 'facts' | 'log'>;
  /** The `events`, `stream` and `child_process` builtins, evaluated when first needed. */
  readonly builtin: (name: string) => unknown;
}

type Emitter = Record<string, (...args: unknown[]) => unknown>;

/** Makes `process`. What would end or change the agent's process throws; nothing of the agent's environment is here but what was granted. */
export function createProcess({ link, builtin }: ProcessParts): object {
  const { facts } = link;
  const started = Date.now();
  let emitter: Emitter | undefined;
  // `exit` and signal handlers are accepted and never called: the process that runs this code is not the agent's.
  const events = (): Emitter => {
    const { EventEmitter } = builtin('events') as { EventEmitter: new () => Emitter };
    return (emitter ??= new EventEmitter());
  };
  const refuse = (name: string, advice: string) => () => {
    throw Object.assign(new Error(`process.${name}() is not available in the sandbox; ${advice}`), { code: 'UNSUPPORTED_API' });
  };
  const milliseconds = () => Date.now() - started;
  const hrtime = Object.assign(
    (previous?: readonly [number, number]): [number, number] => {
      const now = milliseconds();
      const [seconds, nanoseconds] = [Math.floor(now / 1000), (now % 1000) * 1_000_000];
      if (previous === undefined) return [seconds, nanoseconds];
      const difference = nanoseconds - previous[1];
      return difference < 0 ? [seconds - previous[0] - 1, difference + 1_000_000_000] : [seconds - previous[0], difference];
    },
    { bigint: () => BigInt(milliseconds()) * 1_000_000n },
  );
  const process: Record<PropertyKey, unknown> = {
    title: 'dash',
    pid: 1,
    ppid: 0,
    platform: facts.platform,
    arch: facts.arch,
    argv: ['node', 'dash'],
    argv0: 'node',
    execArgv: [],
    execPath: 'node',
    exitCode: undefined,
    env: { ...facts.env },
    version: `v${__NODE_VERSIONS__['node']}`,
    versions: { ...__NODE_VERSIONS__ },
    release: { name: 'node' },
    config: { target_defaults: {}, variables: {} },
    features: { inspector: false, tls: false, typescript: false },
    browser: false,
    cwd: () => facts.cwd,
    chdir: refuse('chdir', 'pass `cwd` or absolute paths instead'),
    exit: refuse('exit', 'throw an error, or ask the host with ctx.shutdown()'),
    reallyExit: refuse('reallyExit', 'throw an error instead'),
    abort: refuse('abort', 'throw an error instead'),
    kill: (pid: number, signal?: string | number) => {
      const childProcess = builtin('child_process') as { killByPid(pid: number, signal?: string | number): boolean };
      return childProcess.killByPid(pid, signal);
    },
    binding: refuse('binding', 'import the builtin module instead'),
    dlopen: refuse('dlopen', 'native addons do not run in an isolate'),
    memoryUsage: Object.assign(refuse('memoryUsage', 'the host measures the sandbox'), { rss: refuse('memoryUsage.rss', 'the host measures the sandbox') }),
    cpuUsage: refuse('cpuUsage', 'use performance.now()'),
    resourceUsage: refuse('resourceUsage', 'the host measures the sandbox'),
    umask: (mask?: number) => {
      if (mask === undefined) return 0o22;
      throw Object.assign(new Error('process.umask(mask) is not available in the sandbox; pass `mode` instead'), { code: 'UNSUPPORTED_API' });
    },
    uptime: () => milliseconds() / 1000,
    hrtime,
    nextTick: (callback: (...args: unknown[]) => void, ...args: unknown[]) => queueMicrotask(() => callback(...args)),
    emitWarning: (warning: unknown, options?: unknown) => {
      const type =
        typeof options === 'string' ? options : typeof options === 'object' && options !== null && 'type' in options ? String(options.type) : 'Warning';
      link.log('warn', warning instanceof Error ? `${warning.name}: ${warning.message}` : `${type}: ${String(warning)}`);
    },
    getuid: () => 1000,
    geteuid: () => 1000,
    getgid: () => 1000,
    getegid: () => 1000,
    getgroups: () => [1000],
    getBuiltinModule: (name: string) => builtin(name.replace(/^node:/, '')),
    stdout: undefined,
    stderr: undefined,
    stdin: undefined,
    [Symbol.toStringTag]: 'process',
  };
  for (const name of [
    'on',
    'once',
    'off',
    'addListener',
    'removeListener',
    'removeAllListeners',
    'prependListener',
    'prependOnceListener',
    'emit',
    'listeners',
    'rawListeners',
    'listenerCount',
    'eventNames',
    'setMaxListeners',
    'getMaxListeners',
  ]) {
    process[name] = (...args: unknown[]) => {
      const result = events()[name]?.(...args);
      return result === emitter ? process : result;
    };
  }
  defineStream(process, 'stdout', () => createOutput(builtin, facts.columns, (line) => link.log('info', line)));
  defineStream(process, 'stderr', () => createOutput(builtin, facts.columns, (line) => link.log('error', line)));
  defineStream(process, 'stdin', () => createInput(builtin));
  return process;
}

function defineStream(process: object, name: string, create: () => unknown): void {
  let stream: unknown;
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => (stream ??= create()) });
}

/** Output goes to the package's log, line by line; a terminal is never here, its width is. */
function createOutput(builtin: ProcessParts['builtin'], columns: number, log: (line: string) => void): object {
  const { Writable } = builtin('stream') as { Writable: new (options: object) => object };
  let unfinished = '';
  const write = (chunk: unknown, _encoding: unknown, done: () => void) => {
    const lines = (unfinished + String(chunk)).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) log(line);
    done();
  };
  const flush = (done: () => void) => {
    if (unfinished !== '') log(unfinished);
    unfinished = '';
    done();
  };
  return Object.assign(new Writable({ decodeStrings: false, write, final: flush }), {
    isTTY: false,
    columns,
    rows: 24,
    fd: 1,
    getColorDepth: () => 1,
    hasColors: () => false,
    getWindowSize: () => [columns, 24],
  });
}

/** Input is at its end from the start: keys belong to the host, which forwards them to components. */
function createInput(builtin: ProcessParts['builtin']): object {
  const { Readable } = builtin('stream') as { Readable: new (options: object) => { push(chunk: null): void } };
  const stdin = new Readable({ read() {} });
  stdin.push(null);
  return Object.assign(stdin, { isTTY: false, isRaw: false, fd: 0 });
}
