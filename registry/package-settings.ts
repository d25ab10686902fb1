import { DashError, isDashError, formatPackageId, RESOURCE_KINDS, type ResourceFilter } from '../format/index.ts';
import { type PackageSpec, parseSpec } from './package-spec.ts';
import { readIfPresent } from './store/durable-file.ts';

/** One entry of `packages` in a settings file: what is left of one package. */
export interface PackageSetting {
  readonly spec: PackageSpec;
  readonly filter: ResourceFilter;
}

/**
 * Reads how a settings file narrows packages: `{"packages": [{"source": "npm:name", "skills": ["!pdf"]}]}`. Paths in it
 * are relative to `cwd`. What cannot be understood is refused: the user wanted less than everything.
 *
 * @throws {DashError} SETTINGS_INVALID
 */
export async function readPackageSettings(path: string, cwd: string): Promise<readonly PackageSetting[]> {
  const text = await readIfPresent(path);
  if (text === undefined) return [];
  const refuse = (why: string, cause?: unknown): never => {
    throw new DashError('SETTINGS_INVALID', `\`${path}\`: ${why}`, {
      hint: 'an entry looks like `{"source": "npm:name", "skills": ["!pdf"]}`',
      where: { path },
      cause,
    });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const entries = isRecord(value) ? (value['packages'] ?? []) : [];
  if (!Array.isArray(entries)) return refuse('`packages` is not a list');
  return entries.map((entry: unknown, at): PackageSetting => {
    // a bare source narrows nothing
    const fields: unknown = typeof entry === 'string' ? { source: entry } : entry;
    if (!isRecord(fields) || typeof fields['source'] !== 'string') return refuse(`\`packages[${at}]\` names no source`);
    const unknown = Object.keys(fields).find((key) => key !== 'source' && !isKind(key));
    if (unknown !== undefined) return refuse(`\`packages[${at}].${unknown}\` is not a kind of resource`);
    const kinds = RESOURCE_KINDS.filter((kind) => fields[kind] !== undefined).map((kind): [string, readonly string[]] => {
      const patterns = fields[kind];
      return isTexts(patterns) ? [kind, patterns] : refuse(`\`packages[${at}].${kind}\` is not a list of patterns`);
    });
    try {
      return { spec: parseSpec(fields['source'], { cwd }), filter: Object.fromEntries(kinds) };
    } catch (error) {
      if (!isDashError(error)) throw error;
      return refuse(`\`packages[${at}].source\`: ${error.message}`, error);
    }
  });
}

/** Gives the filters that speak of a package, whichever version of it they name. */
export function filtersFor(settings: readonly PackageSetting[], pkg: { readonly id: string }): readonly ResourceFilter[] {
  return settings.filter(({ spec, filter }) => idOf(spec) === pkg.id && Object.keys(filter).length > 0).map(({ filter }) => filter);
}

/** What stays the same of a package, whichever version the spec asks for. */
export function idOf(spec: PackageSpec): string {
  switch (spec.kind) {
    case 'npm':
      return formatPackageId({ kind: 'npm', name: spec.name });
    case 'git':
      return formatPackageId({ kind: 'git', repository: spec.repository, ...(spec.subdir !== undefined && { subdir: spec.subdir }) });
    case 'tarball-url':
      return formatPackageId({ kind: 'url', url: spec.url });
    case 'stdin':
      return formatPackageId({ kind: 'stdin', integrity: spec.integrity });
    case 'tarball-file':
    case 'directory':
      return formatPackageId({ kind: 'path', path: spec.path });
  }
}

function isKind(key: string): boolean {
  return RESOURCE_KINDS.some((kind) => kind === key);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
