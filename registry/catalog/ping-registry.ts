import { DashError } from '../../format/index.ts';

export interface RegistryPing {
  readonly registry: string;
  /** How far the registry's clock is ahead of ours, to the second. */
  readonly clockSkewMs: number;
}

/**
 * Asks the registry of npm's configuration whether it is there.
 *
 * @throws {DashError} REGISTRY_ERROR
 */
export async function pingRegistry(npm: Readonly<Record<string, unknown>>): Promise<RegistryPing> {
  const { default: npmFetch } = await import('npm-registry-fetch');
  try {
    const response = await npmFetch('/-/ping', { ...npm, fetchRetries: 0, timeout: 10_000 });
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      registry: typeof npm['registry'] === 'string' ? npm['registry'] : 'the default npm registry',
      clockSkewMs: Number.isNaN(date) ? 0 : date - Date.now(),
    };
  } catch (error) {
    throw new DashError('REGISTRY_ERROR', `the registry does not answer: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
