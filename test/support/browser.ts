import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A page in a headless Chromium, spoken to in the browser's own protocol. */
export interface Page extends AsyncDisposable {
  /** Evaluates an expression in the page and gives its value; a promise is waited for. */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until an expression is true; the time is a guard, not an assertion. */
  until(expression: string, guardMs?: number): Promise<void>;
  /** A command of the browser's own protocol. */
  call(method: string, params: object): Promise<Readonly<Record<string, unknown>>>;
  /** Presses a key, as a hand does: `Tab`, `Enter`, ` `. */
  press(key: string): Promise<void>;
  /** A picture of the whole page, as PNG. */
  screenshot(): Promise<Buffer>;
}

/** The browser of this machine, if it has one. */
export const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);

/** Opens `url` in a browser with a profile of its own. */
export async function openPage(url: string): Promise<Page> {
  if (CHROMIUM === undefined) throw new Error('there is no Chromium');
  const profile = await mkdtemp(join(tmpdir(), 'dash-browser-'));
  // The browser's own sandbox needs rights that a container does not give; it opens nothing but our page on loopback.
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'];
  const browser = spawn(CHROMIUM, [...flags, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: profile },
  });
  try {
    const port = new URL(await debuggerAddress(browser)).port;
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as readonly {
      readonly type: string;
      readonly webSocketDebuggerUrl: string;
    }[];
    const target = targets.find(({ type }) => type === 'page');
    if (target === undefined) throw new Error('the browser has no page');
    const { call, close } = await connect(target.webSocketDebuggerUrl);
    await call('Page.enable', {});
    await call('Page.navigate', { url });
    const evaluate = async (expression: string): Promise<unknown> => {
      const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      if (exceptionDetails !== undefined) throw new Error(`the page threw: ${JSON.stringify(exceptionDetails)}`);
      return (result as { readonly value?: unknown }).value;
    };
    return {
      evaluate,
      call,
      async press(key) {
        const code = { Tab: 9, Enter: 13, ' ': 32 }[key] ?? 0;
        const how = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: code, ...(key === 'Tab' ? {} : { text: key === 'Enter' ? '\r' : key }) };
        await call('Input.dispatchKeyEvent', { type: 'keyDown', ...how });
        await call('Input.dispatchKeyEvent', { type: 'keyUp', ...how });
      },
      async screenshot() {
        const { data } = await call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
        return Buffer.from(String(data), 'base64');
      },
      async until(expression, guardMs = 30_000) {
        const end = Date.now() + guardMs;
        // the page may still be loading: what cannot be evaluated yet is not true yet
        while ((await evaluate(expression).catch(() => false)) !== true) {
          if (Date.now() > end) throw new Error(`this never became true in the page: ${expression}`);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
      async [Symbol.asyncDispose]() {
        close();
        await end(browser, profile);
      },
    };
  } catch (error) {
    await end(browser, profile);
    throw error;
  }
}

async function end(browser: ChildProcess, profile: string): Promise<void> {
  const ended = once(browser, 'exit');
  if (browser.exitCode === null && browser.signalCode === null && browser.kill('SIGKILL')) await ended;
  // its helpers may still write for a moment
  await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function debuggerAddress(browser: ChildProcess): Promise<string> {
  if (browser.stderr === null) throw new Error('the browser has no stderr');
  for await (const line of createInterface({ input: browser.stderr })) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    browser.stderr.resume();
    return address;
  }
  throw new Error('the browser ended before it listened');
}

type Reply = Readonly<Record<string, unknown>>;

async function connect(address: string): Promise<{ call(method: string, params: object): Promise<Reply>; close(): void }> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error }: { id?: number; result?: Reply; error?: unknown } = JSON.parse(String(data));
    if (id !== undefined) waiting.get(id)?.(result ?? { exceptionDetails: error });
  });
  await once(socket, 'open');
  let last = 0;
  return {
    call(method, params) {
      const { promise, resolve } = Promise.withResolvers<Reply>();
      waiting.set((last += 1), resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
      return promise;
    },
    close: () => socket.close(),
  };
}
