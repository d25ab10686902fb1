import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';

import { isDashError } from '../format/index.ts';
import { isCompiledHere } from './store/compiled-files.ts';
import { damagedPackages } from './store/damaged-packages.ts';
import { ignoreMissing } from './store/file-errors.ts';
import { readCurrent } from './store/generation.ts';
import { isAbandoned } from './store/leftovers.ts';
import { type Scope, scopePaths, storePaths } from './store/store-paths.ts';

/** One thing about the store that `dash doctor` tells. */
export interface StoreCheck {
  readonly id: 'store' | 'staging';
  readonly status: 'ok' | 'warning' | 'failed';
  readonly message: string;
  readonly hint?: string;
}

/** Looks at the state and the store without reading all of it, and changes nothing. */
export async function checkStore(dashHome: string, scopes: readonly Scope[]): Promise<StoreCheck[]> {
  const checks = await Promise.all(scopes.map((scope) => checkScope(dashHome, scope)));
  const { tmp } = storePaths(dashHome);
  const abandoned = ((await readdir(tmp).catch(ignoreMissing)) ?? []).filter(isAbandoned);
  const staging: StoreCheck =
    abandoned.length === 0
      ? { id: 'staging', status: 'ok', message: 'nothing is left of interrupted commands' }
      : { id: 'staging', status: 'warning', message: `interrupted commands left ${abandoned.length} directories in ${tmp}`, hint: '`dash gc` removes them' };
  return [...checks, staging];
}

async function checkScope(dashHome: string, scope: Scope): Promise<StoreCheck> {
  const state = scopePaths(dashHome, scope);
  const whose = scope.kind === 'user' ? 'the user' : 'this project';
  try {
    const generation = await readCurrent(state);
    if (generation === undefined) return { id: 'store', status: 'ok', message: `nothing is installed for ${whose}` };
    const paths = storePaths(dashHome);
    const damaged = await damagedPackages(generation, state, paths);
    if (damaged.size > 0) {
      return {
        id: 'store',
        status: 'failed',
        message: `damaged in the store: ${[...damaged].join(', ')}`,
        hint: '`dash install` fetches what is damaged again',
      };
    }
    const uncompiled = Object.values(generation.packages).filter(({ compiled }) => !isCompiledHere(compiled, paths));
    if (uncompiled.length > 0) {
      const names = uncompiled.map(({ name }) => name).join(', ');
      return { id: 'store', status: 'failed', message: `compiled extensions are missing: ${names}`, hint: '`dash install` compiles them again' };
    }
    if (existsSync(state.journal)) {
      return { id: 'store', status: 'warning', message: 'an install was interrupted after its commit', hint: 'the next `dash install` finishes it' };
    }
    const count = Object.keys(generation.packages).length;
    return { id: 'store', status: 'ok', message: `generation ${generation.number} of ${whose}: ${count} package${count === 1 ? '' : 's'}, untouched since` };
  } catch (error) {
    if (!isDashError(error)) throw error;
    return { id: 'store', status: 'failed', message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
  }
}
