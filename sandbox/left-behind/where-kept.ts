import { join } from 'node:path';

/** Where it is written down what a tree was before a program. No program can write there. */
export function journalOf(dashHome: string): string {
  return join(dashHome, 'state', 'commands');
}

/** Where what was left behind is kept: by commands of the host, or by programs of a package. */
export function quarantineOf(dashHome: string, packageName = 'bash'): string {
  return join(dashHome, 'quarantine', packageName);
}
