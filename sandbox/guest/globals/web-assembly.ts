import type { GuestLink } from '../link.ts';

type Streamed = Response | PromiseLike<Response>;

/** As much of it as is looked at here. */
interface NativeWebAssembly {
  compile(bytes: ArrayBuffer): Promise<unknown>;
  instantiate(bytes: ArrayBuffer, imports?: object): Promise<unknown>;
}

/** What V8 leaves to those who have streams; a module is compiled when all of it is there. */
export function withStreaming(native: NativeWebAssembly): object {
  const bytesOf = async (source: Streamed): Promise<ArrayBuffer> => {
    const response = await source;
    if (!response.ok) throw new TypeError('WebAssembly response has unsupported status code ' + response.status);
    const type = response.headers.get('content-type');
    if (type !== 'application/wasm') throw new TypeError(`WebAssembly response has unsupported MIME type '${type ?? ''}'`);
    return response.arrayBuffer();
  };
  const streaming = {
    compileStreaming: async (source: Streamed) => native.compile(await bytesOf(source)),
    instantiateStreaming: async (source: Streamed, imports?: object) => native.instantiate(await bytesOf(source), imports),
  };
  return Object.defineProperties(native, hidden(streaming));
}

/**
 * Stands where WebAssembly is not. It can be looked at, as libraries do that get along without; whoever uses it hears which
 * permission is missing. Members that answer later wait for a user who is asked.
 */
export function missingWebAssembly(link: GuestLink): object {
  const useSync = (member: string): unknown => link.requestSync('wasm.use', { member });
  const missing = Object.fromEntries(
    ['Module', 'Instance', 'Memory', 'Table', 'Global', 'Tag', 'Exception'].map((name) => [
      name,
      class {
        constructor() {
          useSync(name);
        }
      },
    ]),
  );
  for (const [name, made] of Object.entries(missing)) Object.defineProperty(made, 'name', { value: name });
  return Object.create(Object.prototype, {
    ...hidden(missing),
    ...hidden({
      validate: () => useSync('validate'),
      ...Object.fromEntries(
        ['compile', 'instantiate', 'compileStreaming', 'instantiateStreaming'].map((member) => [member, async () => link.request('wasm.use', { member })]),
      ),
      CompileError: class CompileError extends Error {},
      LinkError: class LinkError extends Error {},
      RuntimeError: class RuntimeError extends Error {},
    }),
    [Symbol.toStringTag]: { value: 'WebAssembly', configurable: true },
  }) as object;
}

function hidden(members: Readonly<Record<string, unknown>>): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, { value, writable: true, enumerable: false, configurable: true }]));
}
