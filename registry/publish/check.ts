import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  type CaptureOutcome,
  type CompiledPackage,
  type Diagnostic,
  inferenceOf,
  isDashError,
  isEmptyResources,
  type PackageManifest,
  resolveResources,
  type Resources,
} from '../../format/index.ts';
import type { Check, CheckSubject } from './checks/check-subject.ts';
import { checkAuthority } from './checks/authority.ts';
import { checkDocuments } from './checks/documents.ts';
import { checkHiddenText } from './checks/hidden-text.ts';
import { checkManifest } from './checks/manifest.ts';
import { checkPermissions } from './checks/permissions.ts';
import { checkSecrets } from './checks/secrets.ts';
import { checkSettings } from './checks/settings.ts';
import { checkSizes } from './checks/sizes.ts';
import { readPackageFiles } from './package-files.ts';

/** What the check needs of neighbours it may not import. */
export interface CheckPorts {
  /** Compiles the extensions of the package in `dir` and records what they register, without any permission. */
  tryExtensions(dir: string): Promise<ExtensionTrial>;
  /** Read one resource and say what an author must change; `path` is only named. */
  readonly checkText: Readonly<Record<'skills' | 'prompts' | 'themes', (text: string, path: string) => readonly Diagnostic[]>>;
}

export interface ExtensionTrial {
  readonly compiled: CompiledPackage;
  readonly captured: readonly CaptureOutcome[];
}

export interface CheckResult {
  /** No diagnostic is an error. */
  readonly ok: boolean;
  /** Errors first; paths are relative to the package. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks the package in `dir` as it would be published: what would be refused or distrusted is said
 * before anyone else sees it. Never throws for what an author wrote.
 */
export async function check(dir: string, ports: CheckPorts): Promise<CheckResult> {
  try {
    return resultOf(await diagnose(dir, ports));
  } catch (error) {
    if (!isDashError(error)) throw error;
    const { code, message, where } = error;
    return resultOf([{ severity: 'error', code, message, where: where && { ...where, path: relativeTo(dir, where.path) } }]);
  }
}

const CHECKS: readonly Check[] = [checkManifest, checkPermissions, checkSettings, checkSecrets, checkHiddenText, checkSizes, checkDocuments];

async function diagnose(dir: string, ports: CheckPorts): Promise<Diagnostic[]> {
  const packed = await readPackageFiles(dir);
  const texts = new Map(packed.files.map(({ path, bytes }) => [path, bytes]));
  const { resources, diagnostics } = resolveResources(packed.manifest, [...texts.keys()], (path) => texts.get(path)?.toString('utf8'));
  const subject: CheckSubject = { ...packed, resources };
  return [
    ...diagnostics.map((diagnostic) => explainUnpublished(dir, diagnostic)),
    ...(isEmptyResources(resources) && diagnostics.length === 0
      ? [{ severity: 'error', code: 'NO_RESOURCES', message: 'brings no extension, skill, prompt or theme' } as const]
      : []),
    ...CHECKS.flatMap((one) => one(subject)),
    ...checkTexts(resources, texts, dir, ports),
    ...(resources.extensions.length > 0 ? diagnoseExtensions(dir, packed.manifest, await ports.tryExtensions(dir)) : []),
  ];
}

/** A resource that lies on disk but is not among the published files is the classic way to publish an empty package. */
function explainUnpublished(dir: string, diagnostic: Diagnostic): Diagnostic {
  const entry = /`[^`]+` names `([^`]+)`/.exec(diagnostic.message)?.[1];
  if (diagnostic.code !== 'ENTRY_NOT_FOUND' || entry === undefined || !isReadableFile(join(dir, entry))) return diagnostic;
  return { ...diagnostic, severity: 'error', message: `${diagnostic.message}; it is there, but \`files\` in package.json leaves it out` };
}

function checkTexts(resources: Resources, texts: ReadonlyMap<string, Buffer>, dir: string, { checkText }: CheckPorts): Diagnostic[] {
  return (['skills', 'prompts', 'themes'] as const).flatMap((kind) =>
    resources[kind].flatMap((path) =>
      // the absolute path, because a skill's name must be that of its directory
      checkText[kind](texts.get(path)?.toString('utf8') ?? '', join(dir, path)).map((diagnostic) => ({ ...diagnostic, where: { ...diagnostic.where, path } })),
    ),
  );
}

function diagnoseExtensions(dir: string, { dash }: PackageManifest, { compiled, captured }: ExtensionTrial): Diagnostic[] {
  const failures = compiled.failures.map(({ entry, error }): Diagnostic => failed(dir, entry, error));
  const unsupported = compiled.entries.flatMap(({ entry, unsupported: found }) =>
    found.map(({ what, why, alternative, where }): Diagnostic => {
      return {
        severity: 'warning',
        code: 'UNSUPPORTED',
        message: `\`${what}\`: ${why}; ${alternative}`,
        where: where ? { ...where, path: relativeTo(dir, where.path) } : { path: entry },
      };
    }),
  );
  const captures = captured.flatMap((outcome): Diagnostic[] => {
    if (outcome.kind === 'ok') return [];
    if (outcome.kind === 'failed') return [failed(dir, outcome.entry, outcome.error)];
    const needs = outcome.needs.map((permission) => `\`${permission}\``).join(', ');
    return [
      {
        severity: 'warning',
        code: 'CAPTURE_DEFERRED',
        message: `registers only after ${needs} is granted, so its tools cannot be shown before`,
        where: { path: outcome.entry },
      },
    ];
  });
  // first it has to load; what does not compile was not read
  const authority = failures.length > 0 || captured.some(({ kind }) => kind === 'failed') ? [] : checkAuthority(dash, inferenceOf(compiled));
  return [...failures, ...unsupported, ...captures, ...authority];
}

function failed(
  dir: string,
  entry: string,
  { code, message, where }: { readonly code: string; readonly message: string; readonly where?: Diagnostic['where'] },
): Diagnostic {
  return { severity: 'error', code, message, where: where ? { ...where, path: relativeTo(dir, where.path) } : { path: entry } };
}

function resultOf(diagnostics: readonly Diagnostic[]): CheckResult {
  const rank = { error: 0, warning: 1, info: 2 } as const;
  return {
    ok: diagnostics.every(({ severity }) => severity !== 'error'),
    diagnostics: diagnostics.toSorted((a, b) => rank[a.severity] - rank[b.severity]),
  };
}

function relativeTo(dir: string, path: string): string {
  return path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : path;
}

function isReadableFile(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
