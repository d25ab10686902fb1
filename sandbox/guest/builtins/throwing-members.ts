import { nodeMembers, type MemberNames } from './node-members.ts';
import { unsupportedModules } from './unsupported.ts';

type Members = Record<string, unknown>;
type Refuse = (member: string) => Error;

/** Makes a module whose functions and classes throw `UNSUPPORTED_MODULE` when they are called or constructed, never before. */
export function createUnsupportedModule(name: string, real: Members = {}): Members {
  const { why, alternative } = unsupportedModules[name] ?? { why: 'it is not part of the guest runtime', alternative: 'leave it out' };
  return completeWith(real, nodeMembers(name), `${name}.`, (member) =>
    Object.assign(new Error(`\`${member}\` is not available in the sandbox: ${why}; ${alternative}`), { code: 'UNSUPPORTED_MODULE', module: name }),
  );
}

/** Adds to a supported module the members it lacks, as functions that throw `UNSUPPORTED_API`. */
export function completeModule(name: string, real: Members): Members {
  return completeWith(real, nodeMembers(name), `${name}.`, (member) =>
    Object.assign(new Error(`\`${member}\` is not available in the sandbox`), { code: 'UNSUPPORTED_API', module: name }),
  );
}

/** Makes a function, usable as a base class, that throws when it is called or constructed. */
export function throwing(name: string, refuse: Refuse): Function {
  const member = function () {
    throw refuse(name);
  };
  Object.defineProperty(member, 'name', { value: name.slice(name.lastIndexOf('.') + 1) });
  return member;
}

function completeWith(real: Members, names: MemberNames, prefix: string, refuse: Refuse): Members {
  const add = (name: string, make: () => unknown) => {
    if (!(name in real)) Object.defineProperty(real, name, { value: make(), writable: true, enumerable: true, configurable: true });
  };
  for (const name of words(names.f)) add(name, () => throwing(prefix + name, refuse));
  for (const [name, methods] of Object.entries(names.c ?? {})) {
    add(name, () => {
      const type = throwing(prefix + name, refuse);
      for (const method of words(methods)) {
        Object.defineProperty(type.prototype, method, { value: throwing(`${prefix}${name}.prototype.${method}`, refuse), writable: true, configurable: true });
      }
      return type;
    });
  }
  for (const [name, value] of Object.entries(names.v ?? {})) add(name, () => value);
  for (const [name, inner] of Object.entries(names.o ?? {})) add(name, () => completeWith({}, inner, `${prefix}${name}.`, refuse));
  return real;
}

function words(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(' ');
}
