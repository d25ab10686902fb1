import { throwing } from '../builtins/throwing-members.ts';

declare const __HOST_EXPORTS__: Readonly<Record<string, string>>;

/** Adds to a module of the host the names it lacks here, as functions that throw `UNSUPPORTED_API` when called or constructed. */
export function withAllExports(module: string, members: Record<string, unknown>, advice: string): Record<string, unknown> {
  const refuse = (member: string) =>
    Object.assign(new Error(`\`${member}\` of ${module} is not available in the sandbox: ${advice}`), { code: 'UNSUPPORTED_API', module });
  for (const name of (__HOST_EXPORTS__[module] ?? '').split(' ')) {
    if (name !== '' && name !== 'default' && !(name in members)) members[name] = throwing(name, refuse);
  }
  return members;
}
