import { isReadableName, tarballFile } from './npm-name.ts';
import { RegistryRefusal } from './registry-refusal.ts';

/** A packument of another registry; it is passed on, so only the parts that are rewritten have a type. */
export interface UpstreamPackument {
  readonly name: string;
  readonly versions: Readonly<Record<string, { readonly version: string; readonly dist: { readonly tarball: string; readonly integrity?: string } }>>;
}

/** Another registry that is asked for packages this one does not hold. */
export interface Upstream {
  packument(name: string): Promise<UpstreamPackument | undefined>;
  tarball(name: string, file: string): Promise<{ readonly bytes: Buffer; readonly integrity: string | undefined } | undefined>;
}

/** Options as pacote and npm-registry-fetch take them: auth, proxy, certificate authorities. */
export type NpmOptions = Readonly<Record<string, unknown>>;

/**
 * Reads through to `registry`. Nothing is kept on disk; a packument is remembered for the life of
 * the service, because each of its tarballs is found by it.
 */
export function readThrough(registry: string, options: NpmOptions = {}): Upstream {
  const packuments = new Map<string, Promise<UpstreamPackument | undefined>>();

  async function fetchPackument(name: string): Promise<UpstreamPackument | undefined> {
    const { default: pacote } = await import('pacote');
    try {
      return await pacote.packument(name, { ...options, registry, fullMetadata: true, ignoreScripts: true });
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw new RegistryRefusal(502, `the upstream registry did not answer for \`${name}\``, { cause: error });
    }
  }

  async function packument(name: string): Promise<UpstreamPackument | undefined> {
    if (!isReadableName(name)) return undefined;
    let asked = packuments.get(name);
    if (asked === undefined) {
      asked = fetchPackument(name);
      packuments.set(name, asked);
      // a failure is not remembered: the next request asks again
      asked.then(
        (found) => found ?? packuments.delete(name),
        () => packuments.delete(name),
      );
    }
    return asked;
  }

  return {
    packument,
    async tarball(name, file) {
      const versions = Object.values((await packument(name))?.versions ?? {});
      const found = versions.find((version) => tarballFile(name, version.version) === file);
      if (found === undefined) return undefined;
      const { default: pacote } = await import('pacote');
      const { tarball, integrity } = found.dist;
      try {
        const bytes = await pacote.tarball(tarball, { ...options, registry, ignoreScripts: true, ...(integrity && { integrity }) });
        return { bytes, integrity };
      } catch (error) {
        throw new RegistryRefusal(502, `the upstream registry did not hand out \`${file}\``, { cause: error });
      }
    },
  };
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}
