import type { Scope } from '../registry/index.ts';
import type { Invocation } from './command.ts';

/** `--local` is the project of the working directory; otherwise the user. */
export function scopeOf({ cwd, globals }: Invocation): Scope {
  return globals.local === true ? { kind: 'project', dir: cwd } : { kind: 'user' };
}
