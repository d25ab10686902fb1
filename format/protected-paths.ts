import { isLiteral, segmentCovers, segmentsOverlap, type PathPattern } from './path-pattern.ts';
import type { PathScope } from './path-scope.ts';
import { below, segmentsOf, type Places } from './places.ts';

/**
 * How much a grant can open a path.
 *
 * - `open`: any grant that holds it.
 * - `by-name`: only a grant that names exactly this path.
 * - `closed`: no grant.
 */
export type Protection = 'open' | 'by-name' | 'closed';

/**
 * Secrets. A rule is a run of names anywhere in a path; `*` as in permissions. Compared in lower case, because on
 * many disks `.ENV` is `.env`.
 */
export const NO_READ = rules(
  '.env*',
  '*.pem',
  '*.key',
  '.npmrc',
  '.netrc',
  '_netrc',
  '.ssh',
  '.aws',
  '.gnupg',
  // cloud and git credential stores
  '.git-credentials',
  '.config/git/credentials',
  '.config/gcloud',
  '.config/gh',
  '.config/hub',
  '.config/glab-cli',
  '.azure',
  '.kube',
  '.docker/config.json',
  '.config/doctl',
  '.oci',
  '.terraform.d',
  '.terraformrc',
  '.pypirc',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.gem/credentials',
  '.yarnrc.yml',
  '.bunfig.toml',
  '.config/pip',
  '.pgpass',
  '.my.cnf',
  '.vault-token',
  '.password-store',
  '.local/share/keyrings',
  'library/keychains',
  '.config/op',
  '.config/bitwarden*',
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ed25519',
  '*.p12',
  '*.pfx',
  '*.jks',
  '*.kdbx',
  // browser profiles
  '.mozilla',
  '.config/google-chrome*',
  '.config/chromium',
  '.config/bravesoftware',
  '.config/microsoft-edge*',
  '.config/vivaldi',
  '.config/opera*',
  'library/application support/google',
  'library/application support/chromium',
  'library/application support/firefox',
  'library/application support/bravesoftware',
  'library/application support/microsoft edge',
  'library/safari',
  'library/cookies',
  'snap/firefox',
  '.var/app/org.mozilla.firefox',
  // other agents' keys
  '.claude.json',
  '.claude/.credentials.json',
  '.codex/auth.json',
  '.pi/agent/auth.json',
  '.gemini/oauth_creds.json',
  '.gemini/google_accounts.json',
  '.local/share/opencode/auth.json',
  '.config/github-copilot',
  '.config/openai',
  '.config/anthropic',
  '.cursor/auth.json',
  '.continue/config.json',
  '.aider.conf.yml',
);

/** What runs later, or tells an agent what to do. */
export const NO_WRITE = [
  ...NO_READ,
  ...rules(
    '.git',
    '.gitattributes',
    '.gitmodules',
    '.gitconfig',
    '.config/git',
    '.husky',
    '.pre-commit-config.yaml',
    '.envrc',
    // shell start files
    '.bashrc',
    '.bash_profile',
    '.bash_login',
    '.bash_logout',
    '.bash_aliases',
    '.profile',
    '.zshrc',
    '.zshenv',
    '.zprofile',
    '.zlogin',
    '.zlogout',
    '.kshrc',
    '.cshrc',
    '.tcshrc',
    '.inputrc',
    '.config/fish',
    '.config/nushell',
    '.config/powershell',
    '.xprofile',
    '.xinitrc',
    '.xsessionrc',
    '.config/systemd',
    '.config/autostart',
    '.config/environment.d',
    'launchagents',
    'launchdaemons',
    '.local/bin',
    '.local/share/applications',
    'node_modules',
    '.venv',
    'package.json',
    '*.config.js',
    '*.config.ts',
    '*.config.mjs',
    '*.config.cjs',
    '*.config.mts',
    '*.config.cts',
    'makefile',
    'gnumakefile',
    'justfile',
    '.justfile',
    'setup.py',
    'conftest.py',
    '.github/workflows',
    '.github/actions',
    '.gitlab-ci.yml',
    '.circleci',
    '.vscode',
    '.idea',
    '.devcontainer',
    '.devcontainer.json',
    '.mcp.json',
    '.agents',
    '.dash',
    '.pi',
    '.claude',
    '.codex',
    '.cursor',
    '.gemini',
    '.opencode',
    '.cursorrules',
    '.windsurfrules',
    '.clinerules',
    '.roomodes',
    '.github/copilot-instructions.md',
    'agent.md',
    'agents.override.md',
    'claude.local.md',
    // what tools load by themselves where they are started
    '.yarnrc',
    '.yarn/releases',
    '.yarn/plugins',
    '.pnp.cjs',
    '.pnp.loader.mjs',
    'bunfig.toml',
    '.prettierrc.*js',
    '.prettierrc.*ts',
    '.babelrc.*js',
    '.stylelintrc.*js',
    '.lintstagedrc.*js',
    'gulpfile.*',
    'gruntfile.*',
    '*.conf.js',
    '*.conf.cjs',
    '*.conf.mjs',
    '*.conf.ts',
    '.storybook',
    '.cargo/config',
    '.cargo/config.toml',
    '.mvn',
    '.dir-locals.el',
    '.nvim.lua',
    '.lvimrc',
    '.gdbinit',
    '.lldbinit',
    '.rprofile',
    '.ghci',
    '.iex.exs',
    '.irbrc',
    '.pryrc',
    '.rspec',
    '.pylintrc',
    'noxfile.py',
    '.zed',
    '.roo',
    '.windsurf',
    '.kiro',
    '*.code-workspace',
    '.githooks',
    '.gitpod.yml',
    '.travis.yml',
    'jenkinsfile',
    'azure-pipelines.yml',
    'bitbucket-pipelines.yml',
    '.drone.yml',
    '.woodpecker.y*ml',
    '.woodpecker',
    '.buildkite',
    '.gitea/workflows',
    '.forgejo/workflows',
    '.github/instructions',
    '.github/prompts',
    '.pnpmfile.cjs',
    '.mocharc.*',
    '.eslintrc*',
    'lefthook.y*ml',
    '.lefthook.y*ml',
    '.exrc',
    '.nvimrc',
    'sitecustomize.py',
    'usercustomize.py',
    'build.rs',
    'rakefile',
    'taskfile.y*ml',
    'mise.toml',
    '.mise.toml',
    'cmakelists.txt',
    'dockerfile',
    'agents.md',
    'claude.md',
    'gemini.md',
    'system.md',
    'append_system.md',
    'skill.md',
  ),
];

/** Tells whether an absolute, real path holds a secret by its name. */
export function isProtectedRead(path: string, places: Places): boolean {
  return protection('fs:read', path, places) !== 'open';
}

/** Tells whether an absolute, real path holds a secret, or something that runs later, by its name. */
export function isProtectedWrite(path: string, places: Places): boolean {
  return protection('fs:write', path, places) !== 'open';
}

/** Decides by name alone; the broker adds device and inode of what exists. */
export function protection(access: 'fs:read' | 'fs:write', path: string, places: Places): Protection {
  if (below(places.data, path) !== undefined || below(places.tmp, path) !== undefined) return 'open';
  if (below(places.dashHome ?? `${places.home}/.dash`, path) !== undefined) return 'closed';
  // What a process looks like from inside: the agent's own environment, with its keys, and its memory.
  if (/^\/proc\/\d+(\/|$)/.test(path)) return 'closed';
  if (below('/proc', path) !== undefined || below('/sys', path) !== undefined) return 'by-name';
  if (access === 'fs:write' && places.linked?.some((directory) => below(directory, path) !== undefined) === true) return 'by-name';
  if (access === 'fs:write' && makesRepository(segmentsOf(path).at(-1) ?? '')) return 'by-name';
  // names above the workspace or the home directory say where the user works, not what a file is
  const base = [places.workspace, places.home, '/']
    .filter((place) => below(place, path) !== undefined)
    .reduce((longest, place) => (place.length > longest.length ? place : longest));
  // ... unless the user works inside a store of secrets: nothing there is an ordinary file
  if (isInsideSecrets(base)) return 'closed';
  return hasProtectedName(listFor(access), below(base, path) ?? []) ? 'by-name' : 'open';
}

const insideSecrets = new Map<string, boolean>();

/** Asked with every effect on a file, of two or three places: each is looked at once. */
function isInsideSecrets(place: string): boolean {
  const known = insideSecrets.get(place);
  if (known !== undefined) return known;
  const isInside = hasProtectedName(NO_READ, segmentsOf(place));
  if (insideSecrets.size < 1_000) insideSecrets.set(place, isInside);
  return isInside;
}

/**
 * Tells whether a scope spells a protected name. For a literal scope `false` means that whatever it names is open
 * wherever its root lies; a scope with wildcards spells one when a segment with letters can mean it.
 */
export function spellsProtected(access: 'fs:read' | 'fs:write', scope: PathScope): boolean {
  if (scope.root === 'data' || scope.root === 'tmp') return false;
  return isLiteral(scope.segments) ? hasProtectedName(listFor(access), scope.segments) : wildcardSpells(listFor(access), scope.segments);
}

/**
 * Tells whether a name can be the last one of a protected path. In a walk that does not enter protected directories, a
 * `false` means that the path ending in it is open: the cheap question before {@link protection}.
 */
export function mayEndProtected(access: 'fs:read' | 'fs:write', name: string): boolean {
  if (access === 'fs:write' && makesRepository(name)) return true;
  const last = fold(name);
  const { exact, pattern } = LAST_NAMES[access];
  return exact.has(last) || pattern.test(last);
}

/**
 * Git takes a directory with a file of this name, and some directories beside it, for a repository, and runs what its
 * configuration says: who can write all of that plants code wherever it likes. Without the file it is none. A `head` is
 * another file, but where the disk knows no case.
 */
function makesRepository(name: string): boolean {
  return name === 'HEAD' || (name.toUpperCase() === 'HEAD' && process.platform !== 'linux');
}

const LAST_NAMES = { 'fs:read': namesAt(-1, NO_READ), 'fs:write': namesAt(-1, NO_WRITE) };
const FIRST_NAMES = new Map([NO_READ, NO_WRITE].map((list) => [list, namesAt(0, list)]));

/** One expression for all wildcards: asked for every name of a tree, before and after every command. */
function namesAt(place: 0 | -1, list: readonly PathPattern[]): { readonly exact: ReadonlySet<string>; readonly pattern: RegExp } {
  const names = [...new Set(list.map((rule) => rule.at(place) ?? ''))];
  const wild = names.filter((name) => name.includes('*')).map((name) => name.split('*').map(RegExp.escape).join('[^]*'));
  return { exact: new Set(names.filter((name) => !name.includes('*'))), pattern: new RegExp(`^(?:${wild.join('|')})$`) };
}

function listFor(access: 'fs:read' | 'fs:write'): readonly PathPattern[] {
  return access === 'fs:read' ? NO_READ : NO_WRITE;
}

function hasProtectedName(list: readonly PathPattern[], segments: readonly string[]): boolean {
  const names = segments.map(fold);
  const first = FIRST_NAMES.get(list);
  // Nearly every path ends here: no name in it begins any rule.
  if (first !== undefined && !names.some((name) => first.exact.has(name) || first.pattern.test(name))) return false;
  return holdsRun(list, names, segmentCovers);
}

/** `*.pem` and `.e*` spell protected names; `*` and `*.ts` mean everything, protected or not, and spell nothing. */
function wildcardSpells(list: readonly PathPattern[], segments: readonly string[]): boolean {
  const isBroad = (segment: string): boolean => /^\*+(\.\w+)?$/.test(segment);
  return holdsRun(list, segments.map(fold), (rule, segment) => segmentCovers(rule, segment) || (!isBroad(segment) && segmentsOverlap(rule, segment)));
}

function holdsRun(list: readonly PathPattern[], names: readonly string[], fits: (rule: string, name: string) => boolean): boolean {
  const startsAt = (rule: PathPattern, start: number): boolean =>
    rule.every((part, index) => start + index < names.length && fits(part, names[start + index] ?? ''));
  return list.some((rule) => names.some((_, start) => startsAt(rule, start)));
}

function fold(segment: string): string {
  return segment.toLowerCase().normalize('NFC');
}

function rules(...texts: readonly string[]): readonly PathPattern[] {
  return texts.map((text) => text.split('/'));
}
