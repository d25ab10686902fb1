import { isDashError } from '../../format/index.ts';
import { openRegistryHttp } from '../http/registry-http.ts';
import type { NpmConfig } from '../npm-config.ts';
import { openPackuments, type Packument } from '../resolve/packuments.ts';
import { storePaths } from '../store/store-paths.ts';

export interface PackageAgesOptions {
  readonly dashHome: string;
  readonly npm: NpmConfig;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}

/** Since when there is something under a name; `why` says what kept from knowing it. */
export type PackageAge =
  | { readonly kind: 'published'; readonly since: Date }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown'; readonly why: string };

/** Opens the look-up of ages. Only "not there" from a registry is `missing`: whatever else goes wrong is `unknown`. */
export function openAges({ dashHome, npm, offline = false, signal }: PackageAgesOptions): (name: string) => Promise<PackageAge> {
  const packuments = openPackuments({ npm, http: openRegistryHttp({ npm, signal }), cacheDir: storePaths(dashHome).packuments, offline });
  return async (name) => {
    try {
      const since = firstRelease(await packuments.get(name));
      return since === undefined ? { kind: 'unknown', why: 'its registry does not say since when it is there' } : { kind: 'published', since };
    } catch (error) {
      if (isDashError(error, 'PACKAGE_NOT_FOUND')) return { kind: 'missing' };
      if (!isDashError(error) || error.code === 'INTERRUPTED') throw error;
      return { kind: 'unknown', why: error.message };
    }
  };
}

/** A name can be older than what stands under it, when somebody gave it up: what counts is the oldest version that is there. */
function firstRelease({ versions, time = {} }: Packument): Date | undefined {
  const dates = Object.keys(versions).map((version) => Date.parse(String(time[version])));
  const known = dates.filter((date) => !Number.isNaN(date));
  return known.length === 0 ? undefined : new Date(Math.min(...known));
}
