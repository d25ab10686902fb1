import { DashError, isDashError } from '../../format/index.ts';
import { openRegistryHttp } from '../http/registry-http.ts';
import type { NpmConfig } from '../npm-config.ts';
import { registryFor } from '../resolve/registry-of.ts';

export interface RegistryPing {
  readonly registry: string;
  /** How far the registry's clock is ahead of ours, to the second. */
  readonly clockSkewMs: number;
}

const PATIENCE = { fetchRetries: 0, timeout: 10_000 };

/**
 * Asks the registry of npm's configuration whether it is there.
 *
 * @throws {DashError} REGISTRY_ERROR
 */
export async function pingRegistry(npm: NpmConfig): Promise<RegistryPing> {
  const registry = await registryFor(npm);
  try {
    const { headers } = await openRegistryHttp({ npm: { ...npm, ...PATIENCE } }).get(`${registry}-/ping`, { what: 'a ping', registry, maxBytes: 1024 * 1024 });
    const date = Date.parse(String(headers['date'] ?? ''));
    return {
      registry: typeof npm['registry'] === 'string' ? npm['registry'] : 'the default npm registry',
      clockSkewMs: Number.isNaN(date) ? 0 : date - Date.now(),
    };
  } catch (error) {
    if (!isDashError(error)) throw error;
    throw new DashError('REGISTRY_ERROR', `the registry does not answer: ${error.message}`, { hint: error.hint, cause: error });
  }
}
