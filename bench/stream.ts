import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { parsePermissionSet } from '../format/index.ts';
import type { BoundHandler } from '../host/bus/delivery.ts';
import { createEventBus, type EventBus } from '../host/bus/event-bus.ts';
import { GATHERING_MS, type StreamEvent } from '../host/bus/pieces.ts';
import { stillAllowed } from '../host/packages/contributions.ts';
import { type AssistantMessage, NO_USAGE } from '../host/model/messages.ts';
import { AuditTrail, compilePackage, type EventCallOptions, type HandlerOutcome, openPackage, portsOfNobody } from '../sandbox/index.ts';
import { tellLine } from '../sandbox/process/tell-line.ts';
import { InTestPackage } from '../test/support/in-test-package.ts';
import { interleaved, median, type Row, rounded } from './measure.ts';

/** As fast as models are that are called fast. */
const PIECES_PER_SECOND = 200;
const PIECES_PER_FLUSH = (PIECES_PER_SECOND * GATHERING_MS) / 1_000;

/**
 * What a streaming answer costs the host where packages listen, up to the pipes of their processes: the piece itself, for
 * which the stream waits, the flush that tells all packages what was gathered, and both together at 200 pieces a second.
 * Beside it pi, whose stream waits for its handlers; here they do nothing.
 */
export async function benchStream({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const listeners of [0, 50, 100]) {
    const bus = busWith(listeners);
    const pi = await piWith(listeners);
    const rounds = quick ? 200 : 2_000;
    const times = { piece: [] as number[], flush: [] as number[] };
    const dash = async (): Promise<void> => {
      const start = performance.now();
      for (let piece = 0; piece < PIECES_PER_FLUSH; piece += 1) bus.stream(PIECE);
      const gathered = performance.now();
      await bus.settled();
      times.piece.push((gathered - start) / PIECES_PER_FLUSH);
      times.flush.push(performance.now() - gathered);
    };
    const theirs = async (): Promise<void> => {
      for (let piece = 0; piece < PIECES_PER_FLUSH; piece += 1) await pi.emit(PIECE);
    };
    const [ours = 0, peer = 0] = await interleaved(
      [
        { name: 'dash', run: dash },
        { name: 'pi', run: theirs },
      ],
      { rounds, warmup: 200 },
    );
    const micro = (ms: number): number => rounded(ms * 1_000);
    const [piece, flush] = [micro(median(times.piece)), micro(median(times.flush))];
    const all = `${listeners} listeners`;
    rows.push({ name: `one message_update, ${all}: until the stream goes on`, unit: 'µs', dash: piece, peers: {}, target: '≤ 1 µs', met: piece <= 1 });
    if (listeners === 0) continue;
    const each = micro(ours / PIECES_PER_FLUSH);
    const other = micro(peer / PIECES_PER_FLUSH);
    rows.push({
      name: `one message_update, ${all}: with its share of telling them, ${PIECES_PER_SECOND} a second`,
      unit: 'µs',
      dash: each,
      peers: { 'pi 0.87.1': other },
      ratio: rounded(each / other),
      target: '≤ 1x',
      met: each <= other,
    });
    rows.push({ name: `telling ${all} what was gathered`, unit: 'µs', dash: flush, peers: {}, target: `≤ ${listeners * 5} µs`, met: flush <= listeners * 5 });
  }
  return [...rows, await tellingOne(quick)];
}

const MESSAGE: AssistantMessage = {
  role: 'assistant',
  content: [{ type: 'text', text: 'a word and another '.repeat(50) }],
  api: 'a',
  provider: 'p',
  model: 'm',
  usage: NO_USAGE,
  stopReason: 'stop',
  timestamp: 1,
};
const PIECE: StreamEvent = {
  type: 'message_update',
  message: MESSAGE,
  assistantMessageEvent: { type: 'text_delta', contentIndex: 0, delta: 'word ', partial: MESSAGE },
};

/** All answer in the same turn of the event loop. */
let answer: Promise<undefined> | undefined;

/** A package up to the pipe of its process: what it is told is written, and answered a little later. */
class UpToItsPipe extends InTestPackage {
  #calls = 0;
  /** So that nothing of the work is left out by a clever engine. */
  written = 0;

  override async deliver(handler: number, event: unknown, { context }: EventCallOptions): Promise<HandlerOutcome> {
    this.written += tellLine({ kind: 'call', id: (this.#calls += 1), call: { op: 'event', handler, event }, context }).length;
    await (answer ??= turn().then(() => (answer = undefined)));
    return { value: undefined, event: undefined };
  }
}

function busWith(listeners: number): EventBus {
  const handlers = Array.from({ length: listeners }, (_, index): BoundHandler => {
    const sandboxed = new UpToItsPipe(`bench-${index}`, { on: [['message_update', () => undefined]] });
    return { package: sandboxed.name, handler: 0, sandboxed, needs: ['session:read'], toChange: [] };
  });
  return busOf(handlers);
}

function busOf(handlers: readonly BoundHandler[]): EventBus {
  return createEventBus({
    handlers: (event) => (event === 'message_update' ? stillAllowed(handlers) : []),
    hold: () => ({ [Symbol.dispose]: () => undefined }),
    context: () => ({ mode: 'print', hasUI: false }),
    origin: () => undefined,
    report: ({ message }) => {
      throw new Error(message);
    },
  });
}

/** pi's own dispatcher with extensions that pi's own loader read. */
async function piWith(listeners: number): Promise<{ emit(event: StreamEvent): Promise<unknown> }> {
  const { createExtensionRuntime, discoverAndLoadExtensions, ExtensionRunner, SessionManager } = await import('@earendil-works/pi-coding-agent');
  const directory = mkdtempSync(join(tmpdir(), 'dash-bench-stream-'));
  try {
    const paths = Array.from({ length: listeners }, (_, index) => join(directory, `${index}.ts`));
    for (const path of paths) writeFileSync(path, `export default (pi) => { pi.on('message_update', () => {}); };\n`);
    const { extensions, errors } = await discoverAndLoadExtensions(paths, directory, directory);
    if (errors.length > 0 || extensions.length !== listeners) throw new Error('the extensions of pi were not loaded');
    // the registry of models is only kept
    return new ExtensionRunner(extensions, createExtensionRuntime(), directory, SessionManager.inMemory(), undefined as never);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The agent's own processor time for telling one package that runs in its process, as they all do. */
async function tellingOne(quick: boolean): Promise<Row> {
  const packages = 10;
  const directory = mkdtempSync(join(tmpdir(), 'dash-bench-telling-'));
  const [source, workspace, dashHome] = ['package', 'workspace', 'home'].map((name) => join(directory, name)) as [string, string, string];
  for (const path of [source, workspace, dashHome]) mkdirSync(path);
  writeFileSync(join(source, 'index.ts'), `export default (pi) => { pi.on('message_update', () => {}); };\n`);
  const graph = { root: 'bench', nodes: { bench: { name: 'bench', version: '1.0.0', dir: source, dependencies: {} } } };
  const bundles = { directory: join(directory, 'bundles') };
  const about = { version: '1.0.0', contentHash: 'bench', graph };
  try {
    using audit = new AuditTrail(join(directory, 'audit'));
    const compiled = await compilePackage({ graph, entries: ['index.ts'] }, bundles);
    const granted = parsePermissionSet(['session:read']);
    const options = { ports: portsOfNobody('the benchmark has no host'), audit, bundles, workspace, home: directory, dashHome, environment: {} };
    await using opened = new AsyncDisposableStack();
    const handlers: BoundHandler[] = [];
    for (let index = 0; index < packages; index += 1) {
      const sandboxed = opened.use(openPackage({ ...about, name: `bench-${index}`, compiled, granted, captured: undefined }, options));
      await sandboxed.wake();
      handlers.push({ package: sandboxed.name, handler: 0, sandboxed, needs: ['session:read'], toChange: [] });
    }
    const bus = busOf(handlers);
    const spent = async (work: () => Promise<void>): Promise<number> => {
      const before = process.cpuUsage();
      for (let round = 0; round < 50; round += 1) {
        await work();
        await sleep(5);
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 50;
    };
    const times: number[] = [];
    for (let round = -2; round < (quick ? 3 : 15); round += 1) {
      const telling = await spent(async () => {
        bus.stream(PIECE);
        await bus.settled();
      });
      const idle = await spent(async () => undefined);
      if (round >= 0) times.push((telling - idle) / packages);
    }
    const dash = rounded(median(times));
    return { name: 'telling one package in its process, processor time of the agent', unit: 'µs', dash, peers: {}, target: '≤ 100 µs', met: dash <= 100 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
