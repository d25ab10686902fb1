import type { TSchema } from '@sinclair/typebox';
import { DashError, isDashError } from './dash-error.ts';
import { parseJson, type JsonDocument } from './json-text.ts';
import { firstMisfit, fits, manifestSchemas, type DashManifest } from './manifest-schema.ts';
import { nearest } from './nearest.ts';
import { formatPermission, parsePermission } from './permission.ts';
import { RESOURCE_KINDS, type ResourceKind } from './resource.ts';

/** One permission a package asks for, in canonical form. */
export interface PermissionRequest {
  readonly permission: string;
  readonly reason?: string;
  /** How much at most: `100/day`, or of model answers `50000 tokens/day`, `$0.5/day`. */
  readonly max?: string;
}

/** What a package says of its resources and permissions, whichever way it says it. */
export interface DashSection {
  /** The key that was read; `conventional` when there was none and the folders speak. */
  readonly kind: 'dash' | 'pi' | 'conventional';
  /** Paths, globs and `!`, `+`, `-` entries as written. */
  readonly extensions: readonly string[];
  readonly skills: readonly string[];
  readonly prompts: readonly string[];
  readonly themes: readonly string[];
  /** Kinds of which nothing is written and whose conventional folder is looked at. */
  readonly conventional: readonly ResourceKind[];
  readonly permissions: readonly PermissionRequest[];
  readonly optionalPermissions: readonly PermissionRequest[];
  /** A JSON Schema of the package's settings; never compiled by the host. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly engines?: { readonly dash?: string };
  readonly image?: string;
  /** Where the package says what changed; only shown beside an update. */
  readonly changelog?: string;
}

/** What Dash reads of a package.json. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  /** Names of `peerDependencies` that need not be there. */
  readonly optionalPeers: readonly string[];
  readonly engines: Readonly<Record<string, string>>;
  readonly dash: DashSection;
}

/** Name and version of a package whose package.json does not say them, as in a git repository. */
export interface ManifestDefaults {
  readonly name?: string;
  readonly version?: string;
}

/** Never begins with a dot: a name becomes part of paths, and `..` would be the directory above. */
const NAME = /^(@[a-z0-9_~-][\w.~-]*\/)?[a-z0-9_~-][\w.~-]*$/i;

/**
 * Reads the text of a package.json. `path` is only named in errors.
 *
 * @throws {DashError} INVALID_MANIFEST when the text is not JSON, a key stands twice, a field has the wrong form or the
 *   key `dash` holds something unknown
 * @throws {DashError} INVALID_PERMISSION when a permission is not one
 */
export function parseManifest(text: string, path: string, defaults: ManifestDefaults = {}): PackageManifest {
  const document = parseJson(text, path, 'INVALID_MANIFEST');
  const manifest = document.value;
  const { packageJson } = manifestSchemas();
  if (!fits(packageJson, manifest)) throw misfit(packageJson, manifest, document, '');
  const name = manifest.name ?? defaults.name;
  if (name === undefined || !NAME.test(name)) {
    throw invalid(document, '/name', name === undefined ? '`name` is missing' : `\`${name}\` is not the name of a package`, 'add `"name": "my-package"`');
  }
  return {
    name,
    version: manifest.version ?? defaults.version ?? '0.0.0',
    description: manifest.description ?? '',
    keywords: typeof manifest.keywords === 'string' ? manifest.keywords.split(/[\s,]+/) : (manifest.keywords ?? []),
    dependencies: manifest.dependencies ?? {},
    optionalDependencies: manifest.optionalDependencies ?? {},
    peerDependencies: manifest.peerDependencies ?? {},
    optionalPeers: Object.entries(manifest.peerDependenciesMeta ?? {})
      .filter(([, meta]) => meta.optional === true)
      .map(([peer]) => peer),
    engines: manifest.engines === undefined || Array.isArray(manifest.engines) ? {} : manifest.engines,
    dash: readSection(manifest, document),
  };
}

/** Gives the manifest of a directory without package.json, such as a plain repository of skills. */
export function conventionalManifest(name: string, version: string): PackageManifest {
  return {
    name,
    version,
    description: '',
    keywords: [],
    dependencies: {},
    optionalDependencies: {},
    peerDependencies: {},
    optionalPeers: [],
    engines: {},
    dash: conventionalSection,
  };
}

const nothing = { extensions: [], skills: [], prompts: [], themes: [], permissions: [], optionalPermissions: [] } as const;
const conventionalSection: DashSection = { kind: 'conventional', ...nothing, conventional: RESOURCE_KINDS };

function readSection(manifest: object, document: JsonDocument): DashSection {
  if (Object.hasOwn(manifest, 'dash')) return readDash(Reflect.get(manifest, 'dash'), document);
  const pi: unknown = Object.hasOwn(manifest, 'pi') ? Reflect.get(manifest, 'pi') : undefined;
  return isRecord(pi) ? readPi(pi) : conventionalSection;
}

function readDash(value: unknown, document: JsonDocument): DashSection {
  const { dashManifest } = manifestSchemas();
  if (isRecord(value)) assertKnownKeys(value, Object.keys(dashManifest.properties), document);
  if (!fits(dashManifest, value)) throw misfit(dashManifest, value, document, '/dash');
  return {
    kind: 'dash',
    extensions: value.extensions ?? [],
    skills: value.skills ?? [],
    prompts: value.prompts ?? [],
    themes: value.themes ?? [],
    conventional: RESOURCE_KINDS.filter((kind) => value[kind] === undefined),
    permissions: readRequests(value.permissions, '/dash/permissions', document),
    optionalPermissions: readRequests(value.optionalPermissions, '/dash/optionalPermissions', document),
    settings: value.settings,
    engines: value.engines,
    image: value.image,
    changelog: value.changelog,
  };
}

/** The key of another agent: what we do not know in it is none of our business, and it knows no permissions. */
function readPi(pi: Readonly<Record<string, unknown>>): DashSection {
  const texts = (key: string): string[] => {
    const value = Object.hasOwn(pi, key) ? pi[key] : undefined;
    return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string' && entry !== '') : [];
  };
  const text = (key: string): string | undefined => {
    const value = Object.hasOwn(pi, key) ? pi[key] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    kind: 'pi',
    ...nothing,
    extensions: texts('extensions'),
    skills: texts('skills'),
    prompts: texts('prompts'),
    themes: texts('themes'),
    conventional: [],
    image: text('image'),
    changelog: text('changelogPath'),
  };
}

function readRequests(value: DashManifest['permissions'], pointer: string, document: JsonDocument): PermissionRequest[] {
  if (value === undefined) return [];
  const written = Array.isArray(value)
    ? value.map((text, index) => ({ text, at: `${pointer}/${index}`, extra: {} }))
    : Object.entries(value).map(([text, extra]) => ({
        text,
        at: `${pointer}/${escapePointer(text)}`,
        extra: typeof extra === 'string' ? { reason: extra } : extra,
      }));
  const seen = new Set<string>();
  return written.map(({ text, at, extra }) => {
    const permission = canonical(text, at, document);
    if (seen.has(permission)) throw invalid(document, at, `the permission \`${permission}\` stands twice`, 'leave one of them');
    seen.add(permission);
    return { permission, ...extra };
  });
}

function canonical(text: string, pointer: string, document: JsonDocument): string {
  try {
    return formatPermission(parsePermission(text));
  } catch (error) {
    if (!isDashError(error, 'INVALID_PERMISSION')) throw error;
    throw new DashError('INVALID_PERMISSION', error.message, { hint: error.hint, where: document.where(pointer), cause: error });
  }
}

function assertKnownKeys(section: Readonly<Record<string, unknown>>, known: readonly string[], document: JsonDocument): void {
  const unknown = Object.keys(section).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const meant = nearest(unknown, known);
  const hint = meant === undefined ? `the keys are ${known.map((key) => `\`${key}\``).join(', ')}` : `did you mean \`${meant}\`?`;
  throw invalid(document, `/dash/${escapePointer(unknown)}`, `\`dash\` has no key \`${unknown}\``, hint);
}

function misfit(schema: TSchema, value: unknown, document: JsonDocument, base: string): DashError {
  const { pointer = '', expected = 'another value' } = firstMisfit(schema, value) ?? {};
  const name = base + pointer === '' ? 'the file' : `\`${(base + pointer).slice(1).replaceAll('/', '.')}\``;
  return invalid(document, base + pointer, `${name} has the wrong form: ${expected}`, 'PACKAGE_FORMAT.md shows every field');
}

function invalid(document: JsonDocument, pointer: string, message: string, hint: string): DashError {
  const where = document.where(pointer);
  return new DashError('INVALID_MANIFEST', `\`${where.path}\`: ${message}`, { hint, where });
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
