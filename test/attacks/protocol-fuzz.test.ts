import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { fixedAuthority } from '../../sandbox/authority.ts';
import { Budgets } from '../../sandbox/budget.ts';
import { Broker } from '../../sandbox/broker.ts';
import { CAPABILITIES } from '../../sandbox/capabilities/index.ts';
import { GuestSession } from '../../sandbox/guest-session.ts';
import { AuditTrail } from '../../sandbox/index.ts';
import { osLayer } from '../../sandbox/os-layer/index.ts';
import { SandboxProcess } from '../../sandbox/process/sandbox-process.ts';
import { PrivateStorage } from '../../sandbox/private-storage.ts';
import { NO_SECRETS } from '../../sandbox/secret-handles.ts';
import { verifyAudit } from '../../sandbox/verify-audit.ts';
import { arbitraryLine, arbitraryOwnLine } from '../support/arbitrary-message.ts';
import { context, recordingPorts, temporaryDirectory, until, writeFiles } from '../support/sandbox-fixture.ts';
import { NO_SURFACES } from '../support/no-surfaces.ts';

/**
 * A process that was taken over says ten thousand things on its pipe, to the supervisor and the broker that every package
 * has. The seed is fixed, so that a failure comes again; `DASH_FUZZ_SEED` and `DASH_FUZZ_MESSAGES` choose others.
 */
const SEED = Number(process.env.DASH_FUZZ_SEED ?? 20_261_121);
const MESSAGES = Number(process.env.DASH_FUZZ_MESSAGES ?? 10_000);
const BATCH = 100;
/** Lines of a batch that may end the session. */
const LAST_LINES = 4;
/** Lines that an earlier supervisor, which read them without a schema, threw at: the agent would have ended. */
const ONCE_THREW = [
  'cnull',
  'c{"kind":"resting","timers":{"toString":1,"valueOf":1}}',
  'c{"kind":"dead","reason":"load","message":{"toString":1,"valueOf":1}}',
  'c{"kind":"dead","reason":"flood","message":{"toString":1,"valueOf":1}}',
];
const HOSTILE = fileURLToPath(new URL('../support/hostile-process.mjs', import.meta.url));

async function stage() {
  const root = await temporaryDirectory('dash-fuzz-');
  const at = (name: string): string => `${root.path}/${name}`;
  const [secret, variable] = [randomUUID(), randomUUID()];
  await writeFiles(root.path, {
    'workspace/a.txt': 'a',
    'workspace/dir/b.txt': 'b',
    'home/secret.txt': secret,
    'home/.dash/grants.json': secret,
    'data/x': '',
    'tmp/x': '',
  });
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const audit = new AuditTrail(at('audit'));
  const said: unknown[] = [];
  const places = { workspace: at('workspace'), home: at('home'), data: at('data'), tmp: at('tmp'), dashHome: at('home/.dash') };
  const granted = parsePermissionSet([
    'fs:read',
    'fs:write',
    'exec:true',
    `net:127.0.0.1:${port}`,
    'background',
    'model',
    'session:read',
    'session:write',
    'session:control',
    'ui:notify',
    'ui:prompt',
    'ui:panel',
  ]);
  const open = (): { readonly session: GuestSession; readonly ended: Promise<string> } => {
    const ended = Promise.withResolvers<string>();
    const session = new GuestSession({
      name: 'hostile',
      scripts: { entries: [], parts: [], bundles: [], sourceMap: async () => '{}' },
      facts: { cwd: places.workspace, home: places.home, tmp: places.tmp, agentDir: at('data'), env: {}, platform: 'linux', arch: 'x64', columns: 80 },
      takeProcess: (listener) => new SandboxProcess(HOSTILE, listener),
      makeBroker: (state) =>
        new Broker({
          context: {
            packageName: 'hostile',
            places,
            ports: recordingPorts(said),
            secrets: NO_SECRETS,
            storage: new PrivateStorage('p', [places.data, places.tmp], 1_000_000),
            surfaces: NO_SURFACES,
            ownDirectory: () => undefined,
            random: randomBytes,
            programs: { environment: { PATH: process.env.PATH, DASH_FUZZ_CANARY: variable }, osLayer },
          },
          version: '1.0.0',
          contentHash: 'x',
          authority: fixedAuthority(granted),
          audit,
          budgets: new Budgets(at('budgets')),
          ...state,
          onDenial: () => undefined,
        }),
      onLog: () => undefined,
      onEnd: (error) => ended.resolve(String(error)),
      audit: (reason) => audit.append({ 'event.name': 'kill', 'dash.package': 'hostile', outcome: reason }),
    });
    return { session, ended: ended.promise };
  };
  return {
    at,
    open,
    said,
    secrets: [secret, variable],
    port,
    requests: () => requests,
    auditDirectory: at('audit'),
    [Symbol.asyncDispose]: async () => {
      audit[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await root[Symbol.asyncDispose]();
    },
  };
}

/** Every member of what the agent's own objects inherit from. */
function prototypes(): readonly unknown[] {
  return [Object, Array, Function, Promise, Map, Set, String, Number, Error, RegExp].flatMap(({ prototype }) =>
    Reflect.ownKeys(prototype as object).flatMap((key) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
      return [key, value as unknown, get, set];
    }),
  );
}

/** What only the process itself may say, and a list of registrations that cannot be read: both are the end of it. */
function mayEnd(line: string): boolean {
  return !/^(g|s\d{1,15} )/.test(line) || line.startsWith('g{"kind":"activated"');
}

function filesOutside(at: (name: string) => string): string {
  return JSON.stringify(['home', 'audit/..'].map((place) => readdirSync(at(place)).toSorted()).concat([[readFileSync(at('home/secret.txt'), 'utf8')]]));
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('a process that says anything', () => {
  test(`neither ends nor changes the agent, and is told nothing: ${MESSAGES} messages, seed ${SEED}`, async () => {
    await using where = await stage();
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrown).on('unhandledRejection', onThrown);
    using _ = { [Symbol.dispose]: () => process.off('uncaughtException', onThrown).off('unhandledRejection', onThrown) };

    const places = { workspace: where.at('workspace'), outside: where.at('home/secret.txt'), url: `http://127.0.0.1:${where.port}/` };
    const own = Math.ceil(MESSAGES / 50);
    const lines = [
      ...fc.sample(arbitraryLine(CAPABILITIES, places), { seed: SEED, numRuns: MESSAGES - own }),
      ...fc.sample(arbitraryOwnLine(), { seed: SEED, numRuns: own - ONCE_THREW.length }),
      ...ONCE_THREW,
    ];
    const before = { prototypes: prototypes(), outside: filesOutside(where.at), descriptors: descriptors() };

    let heard = '';
    let sent = 0;
    let sessions = 0;
    let open: Awaited<ReturnType<typeof begin>> | undefined;
    async function begin() {
      sessions++;
      const opened = where.open();
      let reason = '';
      void opened.ended.then((error) => (reason = error));
      await opened.session.activate();
      // Most of what is asked for is asked for in a call.
      const call = opened.session.call({ op: 'tool', name: 't', toolCallId: '1', args: {} }, { context, timeoutMs: 600_000 });
      call.catch(() => undefined);
      return { ...opened, call, isOver: () => reason !== '', reason: () => reason };
    }

    /** Everything before it has been taken from the pipe when the port hears of it. */
    async function settle({ session, isOver }: Awaited<ReturnType<typeof begin>>, channel: string): Promise<void> {
      const marker = JSON.stringify({ kind: 'request', id: 1e12 + sent, capability: 'agent.emit', params: { channel } });
      session.tell({ kind: 'bus', channel: 'say', data: [`g${marker}`] });
      await until(() => isOver() || where.said.some((entry) => Array.isArray(entry) && entry[0] === 'emit' && entry[2] === channel), 30_000);
    }

    /** Says lines of which none may end the session, and reads what it was told meanwhile. */
    async function sayAll(batch: readonly string[]): Promise<void> {
      if (open === undefined || open.isOver()) open = await begin();
      const { session } = open;
      session.tell({ kind: 'bus', channel: 'say', data: batch });
      await settle(open, `after ${sent}`);
      expect(open.reason(), `a line of the guest ended the session:\n${batch.join('\n').slice(0, 20_000)}`).toBe('');
      sent += batch.length;
      where.said.length = 0;
      session.tell({ kind: 'bus', channel: 'dump', data: null });
      await until(() => where.said.some((entry) => Array.isArray(entry) && entry[2] === 'heard'), 30_000);
      heard += JSON.stringify(where.said);
      where.said.length = 0;
    }

    /** Says one that may. */
    async function sayLast(line: string): Promise<void> {
      if (open === undefined || open.isOver()) open = await begin();
      open.session.tell({ kind: 'bus', channel: 'say', data: [line] });
      await settle(open, `last ${sent}`);
      sent++;
    }

    const harmless = lines.filter((line) => !mayEnd(line));
    const last = lines.filter(mayEnd);
    for (let at = 0; at < harmless.length; at += BATCH) {
      await sayAll(harmless.slice(at, at + BATCH));
      for (let n = 0; n < LAST_LINES; n++) {
        const line = last.pop();
        if (line !== undefined) await sayLast(line);
      }
    }
    for (const line of last) await sayLast(line);
    open?.session.kill();
    await open?.ended;

    expect(thrown).toEqual([]);
    expect(sent).toBe(MESSAGES);
    expect(sessions).toBeGreaterThan(1); // some of its own lines did end it
    const after = prototypes();
    expect(after.length).toBe(before.prototypes.length);
    expect(after.every((member, index) => member === before.prototypes[index])).toBe(true);
    expect(filesOutside(where.at)).toBe(before.outside);
    for (const secret of where.secrets) expect(heard).not.toContain(secret);
    expect(heard).not.toMatch(/\bat \S+ \(|node:internal|node_modules|\/sandbox\/|\.ts:\d/);
    expect(heard.length).toBeGreaterThan(MESSAGES); // control: it was answered
    expect(where.requests()).toBeGreaterThan(0); // and some of it was granted, and happened
    expect(verifyAudit(where.auditDirectory)).toMatchObject({ faults: [] });
    await until(() => descriptors() < before.descriptors + 20);
  });
});
