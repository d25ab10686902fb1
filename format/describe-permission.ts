import { formatHost } from './host-pattern.ts';
import { isLiteral } from './path-pattern.ts';
import { formatPathScope } from './path-scope.ts';
import type { FsArea, Permission, PermissionOf } from './permission.ts';
import type { PermissionSet } from './permission-set.ts';
import { isWildcardHost, readsOf, waysOut } from './consent-level.ts';
import { spellsProtected } from './protected-paths.ts';

/** Says a permission in plain words, e.g. `read files in the workspace`. */
export function describePermission(permission: Permission): string {
  return (permission.deny ? 'never: ' : '') + describe(permission);
}

/**
 * Says what a package can do: one line for each permission, then what follows from the combination. Never empty: even
 * a package without permissions talks to the user's model.
 */
export function describeSet(set: PermissionSet): string[] {
  return ['can talk to your model', ...set.permissions.map(describePermission), ...describeCombination(set)];
}

/** Says what follows from reading together with a way out; nothing where there is not both. */
export function describeCombination(set: PermissionSet): string[] {
  if (readsOf(set).length === 0) return [];
  return [...new Set(waysOut(set).map((wayOut) => `could send what it reads ${destination(wayOut)}`))];
}

/** An exact host is not a safe place: anyone has an account at api.github.com. */
function destination(permission: Permission): string {
  switch (permission.area) {
    case 'net':
      if (permission.host.kind === 'cidr') return `to any machine in ${permission.host.address}/${permission.host.prefix}`;
      return isWildcardHost(permission)
        ? `to anyone with a host or an account under ${formatHost(permission.host).slice(2)}`
        : `to an account at ${formatHost(permission.host)}`;
    case 'secret':
    case 'provider':
      return `to an account at ${formatHost(permission.host)}`;
    case 'tool':
      return `wherever the tool \`${permission.name}\` of \`${permission.package}\` can reach`;
    case 'listen':
      return `to whoever connects to port ${permission.port}`;
    default:
      return 'anywhere';
  }
}

function describe(permission: Permission): string {
  switch (permission.area) {
    case 'fs:read':
      return `read ${describeScope(permission)}${spellsProtected('fs:read', permission.scope) ? ', which holds secrets' : ''}`;
    case 'fs:write': {
      const dangerous = spellsProtected('fs:write', permission.scope);
      const everywhere = permission.scope.root === 'workspace' && permission.scope.segments.length === 0;
      const warning = dangerous ? ' (can change files that your tools run)' : everywhere ? ' (what it writes may run at your next test or build)' : '';
      return `change ${describeScope(permission)}${warning}`;
    }
    case 'net':
      return describeNet(permission);
    case 'listen':
      return permission.port === 0 ? 'accept connections on a free port' : `accept connections on port ${permission.port}`;
    case 'exec':
      return `run \`${permission.argv.join(' ')}\`, which can do no more than the package itself`;
    case 'env':
      return `see the environment variable ${permission.name}`;
    case 'secret':
      return `use the secret ${permission.name} at ${formatHost(permission.host)}${permission.header === undefined ? '' : ` in the header \`${permission.header}\``}, without seeing it`;
    case 'model':
      return permission.model === undefined ? 'ask your models, at your cost' : `ask the model ${permission.model}, at your cost`;
    case 'provider':
      return `answer as a model provider at ${formatHost(permission.host)}: it sees the whole conversation`;
    case 'tool':
      return `call the tool \`${permission.name}\` of ${permission.package === 'host' ? 'the host' : `\`${permission.package}\``}`;
    case 'tools:override':
      return `replace the tool \`${permission.name}\``;
    default:
      return PLAIN_WORDS[permission.area];
  }
}

const PLAIN_WORDS: Readonly<
  Record<
    Exclude<Permission['area'], 'fs:read' | 'fs:write' | 'net' | 'listen' | 'exec' | 'env' | 'secret' | 'model' | 'provider' | 'tool' | 'tools:override'>,
    string
  >
> = {
  'model:credentials': 'see the keys of your model providers',
  'session:read': 'read the conversation',
  'session:write': 'add messages and notes to the conversation',
  'session:control': 'start, switch, compact or end sessions and choose the model',
  'prompt:modify': 'change the system prompt, which your model reads first',
  'agent:spawn': 'start further agents, with no more rights than its own',
  background: 'work on its own, while nothing calls it',
  'tools:intercept': 'see, change or block every tool call and its result',
  'tools:dynamic': 'offer the model tools that were not there at install',
  'ui:notify': 'show notifications',
  'ui:prompt': 'ask you questions in dialogs',
  'ui:panel': 'draw panels, widgets and status lines',
  'ui:keys': 'react to keys you press',
  'clipboard:read': 'read the clipboard',
  'clipboard:write': 'change the clipboard',
  wasm: 'run WebAssembly: compiled code, which leaves the sandbox one wall less',
  node: 'run programs outside the sandbox, with full access: all your rights',
};

function describeNet(permission: PermissionOf<'net'>): string {
  const methods = permission.methods.length === 0 ? 'reach' : `send ${permission.methods.join(', ')} to`;
  const host =
    permission.host.kind === 'cidr'
      ? `every machine in ${permission.host.address}/${permission.host.prefix}`
      : permission.host.kind === 'suffix'
        ? `every host under ${permission.host.suffix}`
        : formatHost(permission.host);
  const path = permission.path.length === 0 ? '' : `/${permission.path.join('/')}`;
  const protocol = permission.port === 443 ? ' over https' : permission.port === 80 ? ' over http, unencrypted' : ` on port ${permission.port}`;
  return `${methods} ${host}${path}${protocol}`;
}

function describeScope({ area, scope }: PermissionOf<FsArea>): string {
  if (scope.root === 'data') return scope.segments.length === 0 ? 'files in its own directory' : `${scope.segments.join('/')} in its own directory`;
  if (scope.root === 'tmp')
    return scope.segments.length === 0 ? 'files in its private temporary directory' : `${scope.segments.join('/')} in its private temporary directory`;
  const path = formatPathScope(scope);
  if (scope.segments.length === 0) {
    if (scope.root === 'workspace') return 'files in the workspace';
    return scope.root === 'home' ? 'every file in your home directory' : 'every file on this machine';
  }
  if (!isLiteral(scope.segments)) return `files matching ${path}`;
  // a name with an ending is a file, and a protected one is opened alone
  const isAlone = /[^.]\.\w+$/.test(path) || spellsProtected(area, scope);
  return isAlone ? path : `${path} and what is in it`;
}
