import { argumentError, unsupported } from './system-error.ts';

/** What a file of Node's own library (build/node-source.ts) finds around it there. */
type Method = (receiver: unknown, ...args: unknown[]) => unknown;

const prototypes: Readonly<Record<string, object>> = { Array: Array.prototype, Function: Function.prototype, String: String.prototype };

/** `StringPrototypeSlice(text, 1)`: the language's own functions, taken before any package could replace them. */
export const primordials = new Proxy({} as Record<string, Method>, {
  get(known, name: string) {
    const [, holder = '', rest = ''] = /^([A-Z][a-z]+)Prototype(\w+)$/.exec(name) ?? [];
    const method: unknown = Reflect.get(prototypes[holder] ?? {}, rest.charAt(0).toLowerCase() + rest.slice(1));
    if (typeof method !== 'function') throw new Error(`Node's library uses ${name}, which is not here`);
    return (known[name] ??= Function.prototype.call.bind(method) as Method);
  },
});

export function requireInside(name: string, constants: object): object {
  switch (name) {
    case 'internal/constants':
      return constants;
    case 'internal/validators':
      return { validateObject: validate('object'), validateString: validate('string') };
    case 'internal/util':
      return { isWindows: false, getLazy: (load: () => unknown) => load };
    case 'internal/fs/glob':
      throw unsupported('path.matchesGlob', 'use a library such as `picomatch`');
    default:
      throw new Error(`Node's library asks for ${name}, which is not here`);
  }
}

/** No drive of Windows has a directory of its own in the sandbox. */
const insideProcess = { cwd: () => process.cwd(), env: {}, platform: 'linux' };
export { insideProcess as process };

function validate(type: 'object' | 'string') {
  return (value: unknown, name: string): void => {
    if (typeof value !== type || value === null) throw argumentError(name, `of type ${type}`, value);
  };
}
