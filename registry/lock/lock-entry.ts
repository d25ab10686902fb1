import { Type, type Static } from '@sinclair/typebox';

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Integrity = Type.String({ pattern: '^sha512-[A-Za-z0-9+/]{86}==$' });

/** Where the bytes of a package came from, exact enough to get the same bytes again. */
export type Source = Static<typeof Source>;
export const Source = Type.Union([
  Type.Object({
    kind: Type.Literal('npm'),
    integrity: Integrity,
    /** Absent when it is npm's default one. */
    registry: Type.Optional(Type.String()),
    /** Only when it is not where the registry's own naming puts it. */
    tarball: Type.Optional(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal('git'),
    url: Type.String(),
    commit: Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' }),
    subdir: Type.Optional(Type.String()),
  }),
  Type.Object({ kind: Type.Literal('tarball'), url: Type.Optional(Type.String()), path: Type.Optional(Type.String()), integrity: Integrity }),
  Type.Object({ kind: Type.Literal('directory'), path: Type.String() }),
]);

/** One pinned package of `dash.lock`. A linked directory has no tree: its bytes may change. */
export type LockEntry = Static<typeof LockEntry>;
export const LockEntry = Type.Object({
  name: Type.String(),
  version: Type.String(),
  source: Source,
  treeSha256: Type.Optional(Sha256),
  files: Type.Optional(Type.Integer({ minimum: 0 })),
  publishedAt: Type.Optional(Type.String()),
  publisher: Type.Optional(Type.String()),
  /** It had install scripts. They were not run. */
  hasInstallScript: Type.Optional(Type.Boolean()),
});

const Patterns = Type.Optional(Type.Array(Type.String()));

/** One package the user asked for, with its own dependency graph. */
export type LockRoot = Static<typeof LockRoot>;
export const LockRoot = Type.Object({
  /** As typed, made canonical. */
  spec: Type.String(),
  /** Key in `packages`. */
  id: Type.String(),
  /** What it asked for when it was installed; never a grant. */
  permissions: Type.Array(Type.String()),
  permissionsSha256: Sha256,
  /** node → imported name → node. A node is a key of `packages`, followed by `(peers)` where it is bound to some. */
  graph: Type.Record(Type.String(), Type.Record(Type.String(), Type.String())),
  /** `dash disable`: nothing of it is loaded. */
  disabled: Type.Optional(Type.Boolean()),
  /** Resources that `dash disable` left out. */
  filter: Type.Optional(Type.Object({ extensions: Patterns, skills: Patterns, prompts: Patterns, themes: Patterns })),
});
