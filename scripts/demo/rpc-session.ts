import { spawn, type ChildProcess } from 'node:child_process';
import { BIN, environment, type Person } from './stage.ts';

export type Json = Readonly<Record<string, unknown>>;

/** `dash --mode rpc` as another program drives it: one JSON record a line, in pi's words. */
export class RpcSession implements Disposable {
  readonly #child: ChildProcess;
  readonly #records: Json[] = [];
  readonly #waiting: { readonly from: number; readonly matches: (record: Json) => boolean; resolve(record: Json): void }[] = [];
  #stderr = '';
  #nextId = 1;
  readonly #ended: Promise<number>;

  constructor(person: Person, cwd: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [BIN, '--mode', 'rpc', ...args], { cwd, env: environment(person), stdio: ['pipe', 'pipe', 'pipe'] });
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.#take(JSON.parse(line) as Json);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#ended = new Promise((resolve) => this.#child.on('close', (code) => resolve(code ?? 1)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get records(): readonly Json[] {
    return this.#records;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Sends a command; resolves with its response. */
  async send(command: Json): Promise<Json> {
    const id = `demo-${this.#nextId++}`;
    const from = this.#records.length;
    this.#child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    return this.wait((record) => record.type === 'response' && record.id === id, from);
  }

  /** Sends a record that has no response, such as the answer to a dialog. */
  tell(record: Json): void {
    this.#child.stdin?.write(`${JSON.stringify(record)}\n`);
  }

  /** The first record at or after `from` that matches. */
  async wait(matches: (record: Json) => boolean, from = 0, timeoutMs = 30_000): Promise<Json> {
    const known = this.#records.slice(from).find(matches);
    if (known !== undefined) return known;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    this.#waiting.push({ from, matches, resolve });
    const give = (why: string): void => reject(new Error(`${why}\n${JSON.stringify(this.#records.slice(-5))}\n${this.#stderr}`));
    const timer = setTimeout(() => give('the host did not answer in time'), timeoutMs);
    void this.#ended.then(() => give('the host has ended'));
    return promise.finally(() => clearTimeout(timer));
  }

  /** Prompts and waits for the end of the run; gives the records of it. */
  async run(message: string): Promise<readonly Json[]> {
    const from = this.#records.length;
    await this.send({ type: 'prompt', message });
    await this.wait((record) => record.type === 'agent_end', from);
    return this.#records.slice(from);
  }

  /** Ends the host by closing its input, as a client that goes away does. */
  async close(): Promise<number> {
    this.#child.stdin?.end();
    return this.#ended;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  #take(record: Json): void {
    const index = this.#records.push(record) - 1;
    for (const waiter of this.#waiting.slice()) {
      if (index < waiter.from || !waiter.matches(record)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(record);
    }
  }
}

/** The text of the first tool result with this name. */
export function toolText(records: readonly Json[], toolName: string): { readonly text: string; readonly isError: boolean } {
  const end = records.find((record) => record.type === 'tool_execution_end' && record.toolName === toolName);
  if (end === undefined) throw new Error(`the tool ${toolName} did not run: ${JSON.stringify(records).slice(0, 2_000)}`);
  const { content = [] } = (end.result ?? {}) as { content?: { text?: string }[] };
  return { text: content.map(({ text = '' }) => text).join('\n'), isError: end.isError === true };
}
