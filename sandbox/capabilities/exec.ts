import { Type, type Static } from '@sinclair/typebox';
import { createHash } from 'node:crypto';
import { chown, stat } from 'node:fs/promises';
import { parsePermissionSet, union } from '../../format/index.ts';
import { CapabilityFailure, defineCapability, defineSubscription, type CapabilityContext, type Need, type Request } from '../define-capability.ts';
import {
  confine,
  NOT_A_LOGIN,
  packageProfile,
  type Profile,
  READ_FOR_REFUSALS,
  sees,
  startProgram,
  UnguardableTree,
  whoRuns,
  type Ending,
  type Launch,
  type OsLayer,
  type RunAs,
  type RunningProgram,
} from '../os-layer/index.ts';
import { watchTree } from './exec-aftermath.ts';
import { allowListed, GIT_ENVIRONMENT, GIT_FILTERS_QUESTION, withoutFilters } from './exec-allow-list.ts';
import { parseCommand, type Command } from './exec-command.ts';
import { programEnvironment, RefusedVariable } from './exec-environment.ts';
import { programNetwork, type ProgramNetwork } from './exec-network.ts';
import { askForRefused } from './exec-refusals.ts';
import { findProgram, type FoundProgram } from './exec-program.ts';
import { needRead, Path } from './fs-read.ts';

/**
 * Programs. A child of a package runs in the operating-system layer and sees what the package may see, or it is one of
 * the commands that only read, hardened, or the user gave the package `node`: full access. Nothing else runs.
 */
const closed = { additionalProperties: false } as const;
const Bytes = Type.Union([Type.Object({ text: Type.String() }, closed), Type.Object({ base64: Type.String() }, closed)]);
const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const COMMAND = {
  file: Type.String({ minLength: 1, maxLength: 65_536 }),
  args: Type.Array(Type.String({ maxLength: 1_000_000 }), { maxItems: 10_000 }),
  cwd: Type.Optional(Path),
  env: Type.Optional(Type.Record(Type.String(), Type.String())),
  timeoutMs: Type.Optional(Type.Number({ minimum: 0 })),
  shell: Type.Boolean(),
  maxBuffer: Type.Optional(Type.Number({ minimum: 0 })),
} as const;
const CommandParams = Type.Object(COMMAND, closed);
type CommandParams = Static<typeof CommandParams>;

/** Runs a program to its end. */
export const run = defineCapability({
  kind: 'request',
  name: 'exec.run',
  params: Type.Object({ ...COMMAND, input: Type.Optional(Bytes) }, closed),
  needs: needExec,
  run: async (params, context, request, needs) => {
    const once: string[] = [];
    for (;;) {
      const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
      const { program, ending } = await start(params, { context, request, needs, once }, (stream, bytes) => output[stream].push(bytes));
      program.stdin.end(bytesOf(params.input));
      const { code, signal, stopped, note, allowed } = await ending;
      // Somebody said yes to exactly that: the same call again, and nobody sees the first.
      if (allowed.length > 0 && once.length < MAX_REPEATS) {
        once.push(...allowed);
        continue;
      }
      if (note !== undefined) output.stderr.push(Buffer.from(note));
      const [stdout, stderr] = [Buffer.concat(output.stdout), Buffer.concat(output.stderr)];
      return { code, signal, ...(stopped && { stopped }), stdout: { base64: stdout.toString('base64') }, stderr: { base64: stderr.toString('base64') } };
    }
  },
});

/** Runs a program and says its output as it comes. `id` is what {@link write} and {@link signal} call it by. */
export const launch = defineSubscription({
  kind: 'subscription',
  name: 'exec.start',
  params: Type.Object({ ...COMMAND, id: Id }, closed),
  needs: needExec,
  start: async (params, context, { event, error, ...request }, needs) => {
    const programs = runningOf(context);
    if (programs.has(params.id)) throw new CapabilityFailure({ code: 'EINVAL', message: 'a program with this number is running' });
    const say = (stream: string, bytes: Buffer): void => event({ kind: 'output', stream, base64: bytes.toString('base64') });
    const key = recordedName(argvOf(commandOf(params)));
    const allowedBefore = allowedNext(context);
    const once = allowedBefore.get(key) ?? [];
    allowedBefore.delete(key);
    const { program, ending } = await start(params, { context, request, needs, once }, say);
    programs.set(params.id, program);
    event({ kind: 'started' });
    ending
      .then(({ note, allowed, ...end }) => {
        if (note !== undefined) say('stderr', Buffer.from(note));
        if (allowed.length > 0) {
          // What it said has been heard already: it is the package's to start it again.
          allowedBefore.set(key, [...once, ...allowed]);
          say('stderr', Buffer.from(`dash: \`${allowed.join(' ')}\` was allowed: run it again\n`));
        }
        event({ kind: 'ended', ...end });
      }, error)
      .finally(() => programs.delete(params.id));
  },
});

/** Writes to a running program; `end` closes its input. Answers when the program took it, which slows a fast writer. */
export const write = defineCapability({
  kind: 'request',
  name: 'exec.write',
  params: Type.Object({ id: Id, bytes: Type.Optional(Bytes), end: Type.Boolean() }, closed),
  needs: () => [], // it is the package's own program: whether it may run was decided when it started
  run: async ({ id, bytes, end }, context) => {
    const program = runningOf(context).get(id);
    if (program === undefined) throw new CapabilityFailure({ code: 'EPIPE', errno: -32, syscall: 'write', message: 'write EPIPE' });
    const { stdin } = program;
    if (bytes !== undefined && !stdin.write(bytesOf(bytes))) {
      await new Promise<void>((resolve) => {
        stdin.once('drain', resolve);
        stdin.once('close', resolve);
      });
    }
    if (end) stdin.end();
    return {};
  },
});

/** Sends a signal to a running program. */
export const signal = defineCapability({
  kind: 'request',
  name: 'exec.signal',
  params: Type.Object({ id: Id, signal: Type.String({ pattern: '^SIG[A-Z0-9]{2,9}$' }) }, closed),
  needs: () => [],
  run: ({ id, signal: name }, context) => {
    runningOf(context)
      .get(id)
      ?.send(name as NodeJS.Signals);
    return {};
  },
});

const running = new WeakMap<CapabilityContext, Map<number, RunningProgram>>();

/** What was allowed once to a program that has ended since, by its words. */
const next = new WeakMap<CapabilityContext, Map<string, readonly string[]>>();

function allowedNext(context: CapabilityContext): Map<string, readonly string[]> {
  const allowed = next.get(context) ?? new Map<string, readonly string[]>();
  next.set(context, allowed);
  return allowed;
}

function runningOf(context: CapabilityContext): Map<number, RunningProgram> {
  const programs = running.get(context) ?? new Map<number, RunningProgram>();
  running.set(context, programs);
  return programs;
}

/** The program first; a directory that was asked for by name must be readable, too, or the program would start elsewhere. */
async function needExec(params: CommandParams, context: CapabilityContext): Promise<readonly Need[]> {
  const argv = argvOf(commandOf(params));
  const layer = await context.programs?.osLayer();
  const confinement = layer === undefined ? undefined : layer.kind === 'live' ? ('confined' as const) : ('full access' as const);
  const need: Need = { effect: { kind: 'exec', argv }, target: argv.join(' '), recorded: recordedName(argv), ...(confinement && { confinement }) };
  return params.cwd === undefined ? [need] : [need, ...(await needRead(params.cwd, context))];
}

function commandOf({ file, args, shell }: CommandParams): Command {
  if (!shell) return { kind: 'words', argv: [file, ...args] };
  // Node hands the words after a command to the shell as they are.
  return parseCommand([file, ...args].join(' '));
}

function argvOf(command: Command): readonly [string, ...string[]] {
  return command.kind === 'words' ? command.argv : ['sh', '-c', command.text];
}

/** Arguments may hold secrets: the trail tells two calls apart without keeping them. */
function recordedName(argv: readonly string[]): string {
  return `${argv[0]} sha256:${createHash('sha256').update(JSON.stringify(argv)).digest('hex').slice(0, 16)}`;
}

/** Questions for one call, each of which runs its program again. */
const MAX_REPEATS = 3;

interface Started {
  readonly program: RunningProgram;
  /** `note` is for whoever reads the program's errors; `allowed` was refused to it, and is allowed now. */
  readonly ending: Promise<
    Omit<Ending, 'stopped'> & { readonly stopped?: Ending['stopped'] | 'storage'; readonly note?: string; readonly allowed: readonly string[] }
  >;
}

/** What a program is started with. */
interface Asked {
  readonly context: CapabilityContext;
  readonly request: Request;
  readonly needs: readonly Need[];
  /** What this one run may do beyond what is granted: somebody said yes to exactly that. */
  readonly once: readonly string[];
}

async function start(params: CommandParams, asked: Asked, onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => void): Promise<Started> {
  const { context, request } = asked;
  const argv = argvOf(commandOf(params));
  await context.storage.assertRoom();
  const {
    launch: prepared,
    note,
    network,
    inspect,
    profile,
  } = await prepare(argv, params, asked).catch((error: unknown) => {
    if (error instanceof RefusedVariable || error instanceof UnguardableTree) throw denied(argv, error.message);
    throw error;
  });
  if (request.signal.aborted) await inspect?.();
  request.signal.throwIfAborted();
  const counted = { stdout: 0, stderr: 0 };
  let said = '';
  const limit = new AbortController();
  const exceeded = (by: 'output' | 'storage'): void => limit.abort(by);
  const started = performance.now();
  const program = startProgram(prepared, {
    signal: AbortSignal.any([request.signal, limit.signal]),
    ...(params.timeoutMs !== undefined && params.timeoutMs > 0 && { timeoutMs: params.timeoutMs }),
    onOutput: (stream, bytes) => {
      const left = (params.maxBuffer ?? Infinity) - counted[stream];
      counted[stream] += bytes.length;
      said = (said + bytes.toString('latin1')).slice(-READ_FOR_REFUSALS);
      if (left > 0) onOutput(stream, bytes.length > left ? bytes.subarray(0, left) : bytes);
      if (bytes.length > left) exceeded('output');
    },
  });
  const watch = context.storage.watch(() => exceeded('storage'));
  const ending = program.ended.then(
    async (end) => {
      network?.[Symbol.dispose]();
      watch[Symbol.dispose]();
      // Before its result is delivered: whoever acts on it must not run what was left there.
      const found = (await inspect?.()) ?? '';
      const full = (await context.storage.excess()) ?? '';
      const stopped = limit.signal.aborted ? (limit.signal.reason as 'output' | 'storage') : end.stopped;
      request.record({
        outcome: `${prepared.kind === 'confined' ? 'confined' : 'not confined'}, ${stopped ?? end.signal ?? `exit code ${end.code}`}`,
        target: recordedName(argv),
        durationMs: Math.round(performance.now() - started),
      });
      if (stopped === 'aborted') request.signal.throwIfAborted();
      const hasFailed = end.code !== 0 && stopped === undefined && profile !== undefined;
      const refused = hasFailed
        ? await askForRefused(Buffer.from(said, 'latin1').toString('utf8'), { profile, once: asked.once }, context, request)
        : NOTHING_REFUSED;
      const notes = `${end.code === 0 ? '' : (note ?? '')}${found}${full}${refused.notes}`;
      return { ...end, ...(stopped && { stopped }), ...(notes !== '' && { note: notes }), allowed: refused.allowed };
    },
    async (error: NodeJS.ErrnoException) => {
      network?.[Symbol.dispose]();
      watch[Symbol.dispose]();
      await inspect?.();
      throw new CapabilityFailure({
        code: error.code ?? 'EIO',
        message: `spawn ${argv[0]} ${error.code ?? 'EIO'}`,
        syscall: `spawn ${argv[0]}`,
        path: argv[0],
      });
    },
  );
  return { program, ending };
}

const NOTHING_REFUSED = { allowed: [], notes: '' };

interface Prepared {
  readonly launch: Launch;
  /** What it sees, where it is confined. */
  readonly profile?: Profile;
  /** For a program that failed. */
  readonly note?: string;
  /** Its way out, which ends with it. */
  readonly network?: ProgramNetwork;
  /** To be done when it has ended; what it gives is for whoever reads the program's errors. */
  readonly inspect?: () => Promise<string>;
}

async function prepare(argv: readonly [string, ...string[]], params: CommandParams, { context, request, needs, once }: Asked): Promise<Prepared> {
  const { programs, places } = context;
  if (programs === undefined) throw denied(argv, 'no program runs here');
  const granted = once.length === 0 ? request.granted() : union(request.granted(), parsePermissionSet(once));
  const found = await findProgram(argv[0], programs.environment['PATH'] ?? '', granted, places);
  if (found === undefined)
    throw new CapabilityFailure({ code: 'ENOENT', errno: -2, message: `spawn ${argv[0]} ENOENT`, syscall: `spawn ${argv[0]}`, path: argv[0] });
  const cwd = workingDirectory(params, context, needs);
  const given = programEnvironment(params.env, granted, programs.environment);
  const layer = await programs.osLayer();
  const fullAccess: Need = {
    effect: { kind: 'area', area: 'node' },
    target: `${argv.join(' ').slice(0, 400)} (${unconfinedBecause(layer)})`,
    recorded: recordedName(argv),
  };

  if (layer.kind === 'live' && !request.permits(fullAccess)) {
    const runAs = await whoRuns(places.workspace);
    if (runAs.kind === 'user') await handOver([places.data, places.tmp], runAs);
    const network = programNetwork(request, layer.tools.nsenter);
    const environment = { ...given, ...network?.environment };
    const profile = await packageProfile({ granted, places, programs: [found.path, found.real], cwd, environment, runAs, signal: request.signal });
    const note = sees(profile, cwd)
      ? undefined
      : `dash: the files in ${cwd} do not exist for this program: ${context.packageName} was not granted \`fs:read\` there\n`;
    const command = { program: found.path, args: argv.slice(1) };
    return {
      launch: {
        kind: 'confined',
        confinement: confine(command, profile, layer),
        ...(network !== undefined && { prepare: (pid: number) => network.enter(pid) }),
      },
      ...(network !== undefined && { network }),
      ...(note !== undefined && { note }),
      profile,
      inspect: await watchTree(profile, context, request),
    };
  }
  const environment = { ...plainEnvironment(programs.environment), ...given };
  const isInWorkspace = cwd === places.workspace || cwd.startsWith(`${places.workspace}/`);
  const listed = isInWorkspace ? allowListed(argv) : undefined;
  if (listed !== undefined && !request.permits(fullAccess)) {
    const plain = { ...environment, ...listed.environment };
    const filters = argv[0] === 'git' ? await filtersOff(found, cwd, plain, request.signal) : [];
    return { launch: { kind: 'plain', program: found.path, args: [...filters, ...listed.args], cwd, environment: plain } };
  }
  await request.decide(fullAccess);
  return { launch: { kind: 'plain', program: found.path, args: argv.slice(1), cwd, environment } };
}

function workingDirectory(params: CommandParams, { places }: CapabilityContext, needs: readonly Need[]): string {
  if (params.cwd === undefined) return places.workspace;
  const effect = needs.find(({ effect: { kind } }) => kind === 'fs')?.effect;
  if (effect?.kind !== 'fs') throw new Error('a working directory that was not decided on');
  return effect.path;
}

function unconfinedBecause(layer: OsLayer): string {
  return layer.kind === 'live' ? 'with full access' : `with full access: ${layer.reason}`;
}

/** Nothing of the agent's environment but where things are: its keys are not for programs of packages. */
function plainEnvironment(environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const names = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot', 'ComSpec', 'TEMP', 'TMP'];
  return { ...Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]]))), ...NOT_A_LOGIN };
}

async function filtersOff(git: FoundProgram, cwd: string, environment: Readonly<Record<string, string>>, abort: AbortSignal): Promise<readonly string[]> {
  let answer = '';
  const question = startProgram(
    { kind: 'plain', program: git.path, args: GIT_FILTERS_QUESTION, cwd, environment: { ...environment, ...GIT_ENVIRONMENT } },
    { onOutput: (stream, bytes) => void (stream === 'stdout' && (answer += bytes.toString())), signal: abort },
  );
  question.stdin.end();
  await question.ended;
  return withoutFilters(answer);
}

/** What the package keeps must be writable for whom its programs run as. */
async function handOver(paths: readonly string[], { uid, gid }: RunAs & { kind: 'user' }): Promise<void> {
  for (const path of paths) if ((await stat(path)).uid !== uid) await chown(path, uid, gid);
}

function denied(argv: readonly string[], reason: string): CapabilityFailure {
  return new CapabilityFailure({ code: 'EACCES', errno: -13, syscall: `spawn ${argv[0]}`, path: argv[0], message: `spawn ${argv[0]} EACCES: ${reason}` });
}

function bytesOf(bytes: Static<typeof Bytes> | undefined): Buffer {
  if (bytes === undefined) return Buffer.alloc(0);
  return 'text' in bytes ? Buffer.from(bytes.text) : Buffer.from(bytes.base64, 'base64');
}
