import { builtinModules, createRequire } from 'node:module';
import type { MemberNames } from '../builtins/node-members.ts';
import { unsupportedModules } from '../builtins/unsupported.ts';

const require = createRequire(import.meta.url);

/** Builtins that exist only with the prefix are not in Node's list; those on the left are members of others. */
const aliases = new Set(['process', 'sys', 'assert/strict', 'path/posix', 'path/win32', 'util/types']);
const names = [
  ...builtinModules.map((name) => name.replace(/^node:/, '')).filter((name) => !name.startsWith('_') && !aliases.has(name)),
  'sea',
  'sqlite',
  'test',
  'test/reporters',
];

let known: Readonly<Record<string, string>> | undefined;

/** Reads the member names of Node's own builtins, as JSON by module: parsed when a package wants the module. */
export function readNodeMembers(): Readonly<Record<string, string>> {
  return (known ??= readAll());
}

function readAll(): Record<string, string> {
  const warn = process.emitWarning;
  // Loading `sqlite` and its like, or looking at a deprecated member, warns; nothing of them is run.
  process.emitWarning = () => {};
  try {
    return Object.fromEntries(
      names.map((name) => {
        const module: object = require(`node:${name}`);
        // A supported module has its values itself, but for zlib's constants; only what it lacks must throw.
        return [name, JSON.stringify(namesOf(module, name in unsupportedModules || name === 'zlib', 0))];
      }),
    );
  } finally {
    process.emitWarning = warn;
  }
}

function namesOf(holder: object, whole: boolean, depth: number): MemberNames {
  const functions: string[] = [];
  const classes: Record<string, string> = {};
  const values: Record<string, string | number | boolean | null> = {};
  const objects: Record<string, MemberNames> = {};
  for (const name of Object.getOwnPropertyNames(holder)) {
    if (name.startsWith('_') || ['prototype', 'length', 'name', 'caller', 'arguments', 'constructor'].includes(name)) continue;
    const value: unknown = Reflect.get(holder, name);
    if (typeof value === 'function') {
      const methods = methodsOf(value);
      if (methods.length > 0 || /^[A-Z]/.test(name)) classes[name] = whole ? methods.join(' ') : '';
      else functions.push(name);
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null) {
      if (whole) values[name] = value;
    } else if (typeof value === 'object' && depth < 2 && !Array.isArray(value) && (whole || ['promises', 'posix', 'win32', 'scheduler'].includes(name))) {
      if (value !== holder) objects[name] = namesOf(value, whole, depth + 1);
    }
  }
  return {
    ...(functions.length > 0 && { f: functions.join(' ') }),
    ...(Object.keys(classes).length > 0 && { c: classes }),
    ...(Object.keys(values).length > 0 && { v: values }),
    ...(Object.keys(objects).length > 0 && { o: objects }),
  };
}

function methodsOf(type: Function): string[] {
  const prototype: unknown = type.prototype;
  if (typeof prototype !== 'object' || prototype === null) return [];
  return Object.getOwnPropertyNames(prototype).filter(
    (name) => name !== 'constructor' && !name.startsWith('_') && typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === 'function',
  );
}
