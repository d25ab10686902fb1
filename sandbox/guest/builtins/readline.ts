import { completeModule } from './throwing-members.ts';
import { unsupported } from './system-error.ts';

interface InterfaceOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output?: NodeJS.WritableStream;
  readonly prompt?: string;
  readonly signal?: AbortSignal;
}

/** Makes `readline` over streams; there is no terminal to edit a line in. */
export function createReadline({ EventEmitter }: typeof import('node:events'), { StringDecoder }: typeof import('node:string_decoder')) {
  class Interface extends EventEmitter {
    readonly terminal = false;
    readonly input: NodeJS.ReadableStream;
    readonly output: NodeJS.WritableStream | undefined;
    line = '';
    cursor = 0;
    closed = false;
    #prompt: string;
    #answer: ((line: string) => void) | undefined;

    constructor(options: InterfaceOptions | NodeJS.ReadableStream, output?: NodeJS.WritableStream) {
      super();
      const settings: InterfaceOptions = 'input' in options ? options : { input: options, output };
      this.input = settings.input;
      this.output = settings.output;
      this.#prompt = settings.prompt ?? '> ';
      settings.signal?.addEventListener('abort', () => this.close(), { once: true });
      this.#readLines();
    }

    #readLines(): void {
      const decoder = new StringDecoder('utf8');
      let unfinished = '';
      let endedInReturn = false;
      const feed = (text: string) => {
        // A line end that was cut between two chunks is one line end.
        const fresh = endedInReturn && text.startsWith('\n') ? text.slice(1) : text;
        if (text !== '') endedInReturn = text.endsWith('\r');
        const lines = (unfinished + fresh).split(/\r\n|\n|\r/);
        unfinished = lines.pop() ?? '';
        for (const line of lines) this.#give(line);
      };
      this.input.on('data', (chunk: string | Buffer) => feed(typeof chunk === 'string' ? chunk : decoder.write(chunk)));
      this.input.on('error', (error: Error) => this.emit('error', error));
      this.input.on('end', () => {
        feed(decoder.end());
        if (unfinished !== '') this.#give(unfinished);
        this.close();
      });
    }

    #give(line: string): void {
      if (this.closed) return;
      const answer = this.#answer;
      this.#answer = undefined;
      if (answer === undefined) this.emit('line', line);
      else answer(line);
    }

    question(query: string, ...rest: unknown[]): unknown {
      const answer = rest.pop();
      if (this.closed) throw Object.assign(new Error('readline was closed'), { code: 'ERR_USE_AFTER_CLOSE' });
      this.output?.write(query);
      this.#answer = answer as (line: string) => void;
      return undefined;
    }

    setPrompt(prompt: string): void {
      this.#prompt = prompt;
    }

    getPrompt(): string {
      return this.#prompt;
    }

    prompt(): void {
      this.output?.write(this.#prompt);
    }

    write(): never {
      throw unsupported('readline.Interface.write()', 'there is no terminal; use ctx.ui.input');
    }

    pause(): this {
      this.input.pause();
      this.emit('pause');
      return this;
    }

    resume(): this {
      this.input.resume();
      this.emit('resume');
      return this;
    }

    close(): void {
      if (this.closed) return;
      this.closed = true;
      this.input.pause();
      this.emit('close');
    }

    [Symbol.dispose](): void {
      this.close();
    }

    [Symbol.asyncIterator](): AsyncGenerator<string> {
      const lines: string[] = [];
      let wake = () => {};
      let failure: unknown;
      this.on('line', (line: string) => {
        lines.push(line);
        wake();
      });
      this.on('close', () => wake());
      this.on('error', (error) => {
        failure = error;
        wake();
      });
      const isClosed = () => this.closed;
      const close = () => this.close();
      return (async function* () {
        try {
          for (;;) {
            const line = lines.shift();
            if (line !== undefined) yield line;
            else if (failure !== undefined) throw failure;
            else if (isClosed()) return;
            else await new Promise<void>((resolve) => (wake = resolve));
          }
        } finally {
          close();
        }
      })();
    }
  }

  class PromiseInterface extends Interface {
    override question(query: string): Promise<string> {
      return new Promise<string>((resolve) => super.question(query, resolve));
    }
  }

  const promises = completeModule('readline/promises', {
    Interface: PromiseInterface,
    createInterface: (options: InterfaceOptions, output?: NodeJS.WritableStream) => new PromiseInterface(options, output),
  });
  return completeModule('readline', {
    Interface,
    createInterface: (options: InterfaceOptions, output?: NodeJS.WritableStream) => new Interface(options, output),
    promises,
  });
}
