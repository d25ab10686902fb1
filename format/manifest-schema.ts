import { createRequire } from 'node:module';
import type { Static, TSchema } from '@sinclair/typebox';
import type { ValueError } from '@sinclair/typebox/value';

const require = createRequire(import.meta.url);

/** Gives the schemas of a package.json. TypeBox takes 90 ms to load, so only who reads a manifest pays for it. */
export function manifestSchemas(): ManifestSchemas {
  cached ??= buildSchemas();
  return cached;
}

/** The key `dash` of package.json. */
export type DashManifest = Static<ManifestSchemas['dashManifest']>;

export type ManifestSchemas = ReturnType<typeof buildSchemas>;

let cached: ManifestSchemas | undefined;

/** Tells whether a value has the form of the schema. */
export function fits<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return loadValue().Check(schema, value);
}

/** A part that does not fit, as an RFC 6901 pointer, and what was expected there. */
export interface Misfit {
  readonly pointer: string;
  readonly expected: string;
}

/** Finds the first part of a value that does not fit the schema; of alternatives, the one that fits furthest. */
export function firstMisfit(schema: TSchema, value: unknown): Misfit | undefined {
  const error = loadValue().Errors(schema, value).First();
  return error && deepest(error);
}

function deepest(error: ValueError): Misfit {
  const own = { pointer: error.path, expected: error.message.charAt(0).toLowerCase() + error.message.slice(1) };
  const inner = error.errors.flatMap((alternative) => alternative.First() ?? []).map(deepest);
  const [furthest] = inner.filter(({ pointer }) => pointer.length > own.pointer.length).sort((a, b) => b.pointer.length - a.pointer.length);
  return furthest ?? (inner.length === 0 ? own : { ...own, expected: [...new Set(inner.map(({ expected }) => expected))].join(' or ') });
}

function loadValue() {
  const { Value }: typeof import('@sinclair/typebox/value') = require('@sinclair/typebox/value');
  return Value;
}

function buildSchemas() {
  const { Type }: typeof import('@sinclair/typebox') = require('@sinclair/typebox');
  const Paths = Type.Array(Type.String({ minLength: 1 }));
  const Names = Type.Record(Type.String(), Type.String());
  const Reason = Type.String({ minLength: 1, maxLength: 300 });

  const permissionRequest = Type.Object(
    {
      reason: Type.Optional(Reason),
      max: Type.Optional(Type.String({ pattern: '^([1-9][0-9]*( calls| tokens)?|\\$[0-9]+(\\.[0-9]+)?)/(minute|hour|day|month)$' })),
    },
    { additionalProperties: false },
  );
  const Requests = Type.Union([Type.Array(Type.String()), Type.Record(Type.String(), Type.Union([Reason, permissionRequest]))]);

  const dashManifest = Type.Object(
    {
      extensions: Type.Optional(Paths),
      skills: Type.Optional(Paths),
      prompts: Type.Optional(Paths),
      themes: Type.Optional(Paths),
      permissions: Type.Optional(Requests),
      optionalPermissions: Type.Optional(Requests),
      settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      engines: Type.Optional(Type.Object({ dash: Type.Optional(Type.String()) }, { additionalProperties: false })),
      image: Type.Optional(Type.String({ minLength: 1 })),
      changelog: Type.Optional(Type.String({ minLength: 1 })),
    },
    { additionalProperties: false },
  );

  const packageJson = Type.Object({
    name: Type.Optional(Type.String()),
    version: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    keywords: Type.Optional(Type.Union([Type.Array(Type.String()), Type.String()])),
    dependencies: Type.Optional(Names),
    optionalDependencies: Type.Optional(Names),
    peerDependencies: Type.Optional(Names),
    peerDependenciesMeta: Type.Optional(Type.Record(Type.String(), Type.Object({ optional: Type.Optional(Type.Boolean()) }))),
    // an array in packages from before 2012
    engines: Type.Optional(Type.Union([Names, Type.Array(Type.Unknown())])),
  });

  return { dashManifest, packageJson, permissionRequest };
}
