import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError, isDashError, parseJson } from '../../format/index.ts';
import { fetchTarball } from '../fetch/npm.ts';
import { openRegistryHttp } from '../http/registry-http.ts';
import type { NpmConfig } from '../npm-config.ts';
import { addressOf, MAX_PACKUMENT_BYTES } from '../resolve/fetch-packument.ts';
import { sha512Of } from '../verify/integrity.ts';
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

/**
 * Reads through to `registry`. Nothing is kept on disk; a packument is remembered for the life of
 * the service, because each of its tarballs is found by it.
 */
export function readThrough(registry: string, npm: NpmConfig = {}): Upstream {
  const base = `${registry.replace(/\/+$/, '')}/`;
  const http = openRegistryHttp({ npm });
  const packuments = new Map<string, Promise<UpstreamPackument | undefined>>();

  async function fetchPackument(name: string): Promise<UpstreamPackument | undefined> {
    try {
      const request = { what: name, headers: { accept: 'application/json' }, registry: base, maxBytes: MAX_PACKUMENT_BYTES, compressed: true };
      const { body } = await http.get(addressOf(name, base), request);
      const { value } = parseJson(body.toString('utf8'), name, 'REGISTRY_REPLY_INVALID');
      if (!Value.Check(Packument, value)) throw new DashError('REGISTRY_REPLY_INVALID', `the answer for \`${name}\` is no packument`);
      return value;
    } catch (error) {
      if (isDashError(error, 'PACKAGE_NOT_FOUND')) return undefined;
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
      const { tarball, integrity } = found.dist;
      try {
        const promised = integrity === undefined ? {} : { integrity: sha512Of(integrity, file) };
        return { bytes: await fetchTarball({ url: tarball, what: file, registry: base, ...promised }, { http }), integrity };
      } catch (error) {
        throw new RegistryRefusal(502, `the upstream registry did not hand out \`${file}\``, { cause: error });
      }
    },
  };
}

/** The rest is passed on as it came. */
const Packument = Type.Object({
  name: Type.String(),
  versions: Type.Record(
    Type.String(),
    Type.Object({ version: Type.String(), dist: Type.Object({ tarball: Type.String(), integrity: Type.Optional(Type.String()) }) }),
  ),
});
