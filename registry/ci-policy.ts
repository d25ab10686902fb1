import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

import { DashError, formatPermission, isDashError, parseJson, parsePermission } from '../format/index.ts';

/** What a policy file grants: source key → canonical permissions. */
export type PolicyGrants = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the file that `DASH_POLICY` names: `{"version": 1, "grants": {"npm:name": ["net:api.example.com"]}}`. It must lie
 * outside the checkout, or a pull request could grant to itself. Nothing named grants nothing.
 *
 * @throws {DashError} POLICY_INVALID when it cannot be read, says what is not understood, or lies in the checkout
 */
export async function readCiPolicy(path: string | undefined, checkout: string): Promise<PolicyGrants> {
  if (path === undefined || path === '') return new Map();
  const file = resolve(checkout, path);
  const real = await realpath(file).catch((error: unknown) => {
    throw invalid(`\`${file}\` cannot be read`, 'set `DASH_POLICY` to a file', error);
  });
  const root = await realpath(rootOf(checkout));
  if (isInside(real, root) || isInside(resolve(file), root)) {
    throw invalid(`\`${file}\` lies in the checkout \`${root}\`, which may not grant to itself`, 'keep the policy where only the CI system writes');
  }
  const text = await readFile(real, 'utf8').catch((error: unknown) => {
    throw invalid(`\`${file}\` cannot be read`, 'check its rights', error);
  });
  return parsePolicy(text, file);
}

function parsePolicy(text: string, path: string): PolicyGrants {
  const { value, where } = parseJson(text, path, 'POLICY_INVALID');
  const refuse = (pointer: string, why: string): DashError =>
    new DashError('POLICY_INVALID', `\`${path}\`: ${why}`, {
      hint: 'it looks like `{"version": 1, "grants": {"npm:name": ["net:api.example.com"]}}`',
      where: where(pointer),
    });
  if (!isRecord(value)) throw refuse('', 'it is not an object');
  const unknown = Object.keys(value).find((key) => key !== 'version' && key !== 'grants');
  if (unknown !== undefined) throw refuse(`/${unknown}`, `\`${unknown}\` is not a key of a policy`);
  if (value['version'] !== 1) throw refuse('', '`version` is not 1');
  const grants = value['grants'] ?? {};
  if (!isRecord(grants)) throw refuse('/grants', '`grants` is not an object');
  return new Map(Object.entries(grants).map(([key, permissions]) => [key, permissionsOf(key, permissions)]));

  function permissionsOf(key: string, permissions: unknown): string[] {
    const pointer = `/grants/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!/^(npm|git|url|path):./.test(key)) throw refuse(pointer, `\`${key}\` is not a source, such as \`npm:name\``);
    if (!Array.isArray(permissions)) throw refuse(pointer, `\`${key}\` has no list of permissions`);
    return permissions.map((permission: unknown, at) => {
      if (typeof permission !== 'string' || permission.startsWith('!'))
        throw refuse(`${pointer}/${at}`, `\`${String(permission)}\` is not a permission to grant`);
      try {
        return formatPermission(parsePermission(permission));
      } catch (error) {
        if (!isDashError(error)) throw error;
        throw refuse(`${pointer}/${at}`, error.message);
      }
    });
  }
}

/** The repository that the directory belongs to; without one, the directory itself. */
function rootOf(dir: string): string {
  for (let at = resolve(dir); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return resolve(dir);
  }
}

function isInside(path: string, dir: string): boolean {
  const way = relative(dir, path);
  return way === '' || (!way.startsWith('../') && way !== '..' && !way.startsWith('/'));
}

function invalid(message: string, hint: string, cause?: unknown): DashError {
  return new DashError('POLICY_INVALID', message, { hint, cause });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
