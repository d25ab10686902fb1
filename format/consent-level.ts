import { isPublicAddress } from './host-pattern.ts';
import { isLiteral } from './path-pattern.ts';
import type { Permission, PermissionOf } from './permission.ts';
import type { PermissionSet } from './permission-set.ts';
import { spellsProtected } from './protected-paths.ts';

/**
 * How a permission is consented to.
 *
 * - `quiet`: granted by installing, said in one line.
 * - `summary`: one answer for all of them.
 * - `one-by-one`: asked at first use, never pre-selected.
 * - `policy`: only a policy file can grant it.
 */
export type ConsentLevel = 'quiet' | 'summary' | 'one-by-one' | 'policy';

/** What every installed package may do without a word: use its own directories, and show the user a note. */
export const GRANTED_BY_INSTALLING: readonly string[] = ['fs:read:data:/', 'fs:write:data:/', 'fs:read:tmp:/', 'fs:write:tmp:/', 'ui:notify'];

/** Gives the level of one permission of a set; what it is worth depends on what else the package may do. */
export function consentLevel(permission: Permission, set: PermissionSet): ConsentLevel {
  if (permission.deny) return 'quiet';
  switch (permission.area) {
    case 'fs:read':
      return fsLevel(permission) ?? readLevel(set);
    case 'fs:write':
      return fsLevel(permission) ?? 'summary';
    case 'net':
      return isWildcardHost(permission) && readsOf(set).length > 0 ? 'one-by-one' : 'summary';
    case 'env':
      return looksSecret(permission.name) ? 'one-by-one' : 'quiet';
    case 'tool':
      return permission.package === 'host' ? 'one-by-one' : 'summary';
    case 'session:read':
      return readLevel(set);
    case 'ui:notify':
    case 'ui:prompt':
    case 'ui:panel':
      return 'quiet';
    // Confined to what the package may do itself, or a command that only reads: full access takes `node`.
    case 'exec':
    case 'model':
    case 'session:write':
    case 'session:control':
    case 'prompt:modify':
    case 'agent:spawn':
    case 'background':
    case 'ui:keys':
    case 'clipboard:write':
    case 'wasm':
      return 'summary';
    case 'secret':
    case 'model:credentials':
    case 'provider':
    case 'listen':
    case 'tools:intercept':
    case 'tools:override':
    case 'tools:dynamic':
    case 'clipboard:read':
    case 'node':
      return 'one-by-one';
  }
}

/** Words that say secret where they stand alone in a name: `STRIPE_KEY`, not `KEYBOARD`. */
const SECRET_WORDS = new Set(
  'KEY KEYS TOKEN TOKENS SECRET SECRETS PASS PASSWORD PASSWD PASSPHRASE PWD CREDENTIAL CREDENTIALS CREDS AUTH PRIVATE COOKIE DSN PAT BEARER SIGNATURE CERT'.split(
    ' ',
  ),
);
/** Parts that say secret wherever they stand: `APIKEY`, `PGPASSWORD`, `DATABASE_URL` (it carries a password); a session at the end may be a cookie. */
const SECRET_PARTS = /(^|_)SESSION$|APIKEY|TOKEN|SECRET|PASSW|CREDENTIAL|(DATABASE|DB|REDIS|MONGO\w*|POSTGRES\w*|MYSQL|AMQP)_UR[IL]$/;

/** How one deals with secrets, not one of them: `DISABLE_AUTH_CACHE`, `TOKEN_TTL_MS`, `SESSION_DIR`. */
const ABOUT_SECRETS = /(^|_)(DIS|EN)ABLED?(_|$)|_(DIR|MS|SECONDS|TTL|TIMEOUT|PORT|CACHE)$/;

/** Tells whether the name of a variable says that its value is a secret; such names are offered as `secret:`. */
export function looksSecret(name: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, '$1_$2').toUpperCase();
  // `PWD` alone is the working directory
  if (ABOUT_SECRETS.test(words)) return false;
  return name !== 'PWD' && name !== 'OLDPWD' && (SECRET_PARTS.test(words) || words.split(/[_\d]+/).some((word) => SECRET_WORDS.has(word)));
}

/** Permissions of the set by which what it reads can leave the machine. */
export function waysOut(set: PermissionSet): Permission[] {
  return set.permissions.filter((permission) => {
    if (permission.deny) return false;
    switch (permission.area) {
      case 'net':
        return !isThisMachine(permission);
      case 'tool':
      case 'provider':
      case 'secret':
      case 'listen':
      case 'node':
        return true;
      default:
        return false;
    }
  });
}

/** Permissions of the set by which it learns something of the user. */
export function readsOf(set: PermissionSet): Permission[] {
  return set.permissions.filter((permission) => {
    if (permission.deny) return false;
    switch (permission.area) {
      case 'fs:read':
        return permission.scope.root !== 'data' && permission.scope.root !== 'tmp';
      case 'env':
        return looksSecret(permission.name);
      case 'session:read':
      case 'tools:intercept':
      case 'clipboard:read':
      case 'ui:keys':
      case 'node':
      case 'model:credentials':
        return true;
      default:
        return false;
    }
  });
}

/** Tells whether a permission opens more than one host. */
export function isWildcardHost(permission: PermissionOf<'net'>): boolean {
  return permission.host.kind === 'suffix' || permission.host.kind === 'cidr';
}

function fsLevel(permission: PermissionOf<'fs:read' | 'fs:write'>): ConsentLevel | undefined {
  const { root, segments } = permission.scope;
  if (root === 'data' || root === 'tmp') return 'quiet';
  if (root === 'home' && segments[0] === '.dash') return 'policy';
  if (spellsProtected(permission.area, permission.scope)) return isLiteral(segments) ? 'one-by-one' : 'policy';
  return root === 'workspace' ? undefined : 'one-by-one';
}

function readLevel(set: PermissionSet): ConsentLevel {
  const out = waysOut(set);
  if (out.length === 0) return 'quiet';
  return out.some((permission) => permission.area === 'net' && isWildcardHost(permission)) ? 'one-by-one' : 'summary';
}

function isThisMachine(permission: PermissionOf<'net'>): boolean {
  const { host } = permission;
  if (host.kind === 'name') return host.name === 'localhost';
  return host.kind === 'address' && !isPublicAddress(host.address) && /^(127\.|::1$)/.test(host.address);
}
