import { createHash, timingSafeEqual } from 'node:crypto';

import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import semver from 'semver';

import { isPublishableName, tarballFile } from './npm-name.ts';
import { RegistryRefusal } from './registry-refusal.ts';

/** A version's manifest as the client sent it; only what the registry itself relies on has a type. */
export type VersionManifest = Static<typeof VersionManifest>;

/** One new version, checked against its own bytes. */
export interface PublishRequest {
  readonly name: string;
  readonly version: string;
  readonly tags: readonly string[];
  readonly manifest: VersionManifest;
  readonly integrity: string;
  readonly shasum: string;
  readonly tarball: Buffer;
}

/**
 * Reads the document an npm client sends with `PUT /<package>`. Hashes are computed from the bytes;
 * what the client claims about them must agree.
 *
 * @throws {RegistryRefusal} 400 when the document is not a publish, names something else or does not match its bytes
 */
export function parsePublishRequest(name: string, body: unknown): PublishRequest {
  if (!isPublishableName(name)) throw new RegistryRefusal(400, `\`${name}\` is not a package name`);
  if (!Value.Check(PublishDocument, body)) {
    const first = Value.Errors(PublishDocument, body).First();
    throw new RegistryRefusal(400, `not a publish document: ${first?.path ?? '/'} ${first?.message ?? ''}`);
  }
  if (body.name !== name) throw new RegistryRefusal(400, `the document is of \`${body.name}\`, not of \`${name}\``);

  const [version, manifest] = only(Object.entries(body.versions), 'version');
  if (semver.valid(version) !== version) throw new RegistryRefusal(400, `\`${version}\` is not a version`);
  if (manifest.name !== name || manifest.version !== version) {
    throw new RegistryRefusal(400, `the manifest says \`${manifest.name}@${manifest.version}\`, not \`${name}@${version}\``);
  }

  const tarball = readAttachment(body._attachments, name, version);
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const shasum = createHash('sha1').update(tarball).digest('hex');
  assertClaim('integrity', manifest.dist?.integrity, integrity);
  assertClaim('shasum', manifest.dist?.shasum, shasum);

  return { name, version, tags: readTags(body['dist-tags'], version), manifest, integrity, shasum, tarball };
}

/** Compares a bearer token without telling by its duration how much of it was right. */
export function isToken(expected: string, authorization: string | undefined): boolean {
  const given = authorization?.match(/^Bearer (\S+)$/i)?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

const VersionManifest = Type.Object({
  name: Type.String(),
  version: Type.String(),
  description: Type.Optional(Type.String()),
  keywords: Type.Optional(Type.Array(Type.String())),
  dist: Type.Optional(Type.Object({ integrity: Type.Optional(Type.String()), shasum: Type.Optional(Type.String()) })),
});

const PublishDocument = Type.Object({
  name: Type.String(),
  'dist-tags': Type.Record(Type.String(), Type.String()),
  versions: Type.Record(Type.String(), VersionManifest),
  _attachments: Type.Record(Type.String(), Type.Object({ data: Type.String(), length: Type.Optional(Type.Integer()) })),
});

function only<T>(items: readonly T[], what: string): T {
  const [item] = items;
  if (item === undefined || items.length > 1) throw new RegistryRefusal(400, `a publish brings exactly one ${what}, not ${items.length}`);
  return item;
}

/** Newer clients may attach a provenance bundle beside the tarball; this registry keeps tarballs only. */
function readAttachment(attachments: Static<typeof PublishDocument>['_attachments'], name: string, version: string): Buffer {
  const [, attachment] = only(
    Object.entries(attachments).filter(([file]) => file.endsWith('.tgz')),
    `tarball \`${tarballFile(name, version)}\``,
  );
  const bytes = Buffer.from(attachment.data, 'base64');
  if (bytes.length === 0) throw new RegistryRefusal(400, 'the tarball is empty');
  if (attachment.length !== undefined && attachment.length !== bytes.length) {
    throw new RegistryRefusal(400, `the tarball has ${bytes.length} bytes, the document says ${attachment.length}`);
  }
  return bytes;
}

function assertClaim(what: string, claimed: string | undefined, actual: string): void {
  if (claimed !== undefined && claimed !== actual) {
    throw new RegistryRefusal(400, `${what} of the tarball is ${actual}, the document says ${claimed}`);
  }
}

function readTags(tags: Readonly<Record<string, string>>, version: string): string[] {
  const names = Object.keys(tags);
  for (const tag of names) {
    // a tag that reads as a range would shadow versions in `npm install name@tag`
    if (!/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(tag) || semver.validRange(tag) !== null) {
      throw new RegistryRefusal(400, `\`${tag}\` is not a tag`);
    }
    if (tags[tag] !== version) throw new RegistryRefusal(400, `tag \`${tag}\` points at another version`);
  }
  return names;
}
