import type { DefineCommand, QuickAnswer } from './command.ts';

export interface CommandEntry {
  /** One word or two, as typed. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Imported only when the command runs: `dash list` pays for nothing of `dash install`. */
  load(): Promise<{ readonly define: DefineCommand }>;
  /** For a command that people wait for: what it answers when only these words follow it. */
  readonly quick?: { readonly words: readonly string[]; load(): Promise<{ readonly answer: QuickAnswer }> };
}

/** Every command, in the order of `dash --help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'install',
    aliases: ['add', 'i'],
    summary: 'install packages from npm, git or a directory',
    load: () => import('./commands/install.ts'),
    quick: { words: ['--json', '--quiet', '--frozen', '--offline', '--wait'], load: () => import('./commands/install-again.ts') },
  },
  {
    name: 'ci',
    summary: 'install what `dash.lock` says, asking nothing; grants come from the file `DASH_POLICY` names',
    load: () => import('./commands/ci.ts'),
  },
  { name: 'remove', aliases: ['rm', 'uninstall'], summary: 'remove packages', load: () => import('./commands/remove.ts') },
  {
    name: 'list',
    aliases: ['ls'],
    summary: 'list installed packages with their grants and resources',
    load: () => import('./commands/list.ts'),
    quick: { words: ['--json'], load: () => import('./commands/list.ts') },
  },
  { name: 'update', aliases: ['upgrade', 'up'], summary: 'update packages; what asks for more waits for you', load: () => import('./commands/update.ts') },
  { name: 'outdated', summary: 'show which packages are behind', load: () => import('./commands/outdated.ts') },
  { name: 'rollback', summary: 'go back to an earlier state of what is installed', load: () => import('./commands/rollback.ts') },
  { name: 'verify', summary: 'hash what is installed again and compare it with `dash.lock`', load: () => import('./commands/verify.ts') },
  { name: 'gc', summary: 'remove from the store what the last three states do not need', load: () => import('./commands/gc.ts') },
  { name: 'enable', summary: 'switch a package, or one resource of it, on', load: () => import('./commands/enable.ts') },
  { name: 'disable', summary: 'switch a package, or one resource of it, off', load: () => import('./commands/disable.ts') },
  { name: 'config', summary: 'choose from a list what is on; with a package, show its settings', load: () => import('./commands/config.ts') },
  { name: 'config list', summary: 'show the settings of packages, and what holds', load: () => import('./commands/config-list.ts') },
  { name: 'config get', summary: 'print one setting of a package', load: () => import('./commands/config-get.ts') },
  { name: 'config set', summary: 'set one setting of a package', load: () => import('./commands/config-set.ts') },
  { name: 'config unset', summary: 'take back what was set for a package', load: () => import('./commands/config-unset.ts') },
  {
    name: 'config profile',
    summary: 'show or choose how much is asked: open, balanced, strict, locked',
    load: () => import('./commands/config-profile.ts'),
  },
  { name: 'info', summary: 'show what a package wants, what for, and what it contains', load: () => import('./commands/info.ts') },
  { name: 'why', summary: 'show who brought a package, what let it in, and who granted it what', load: () => import('./commands/why.ts') },
  { name: 'skills list', aliases: ['skills'], summary: 'list the skills that the agent has here', load: () => import('./commands/skills-list.ts') },
  { name: 'skills show', summary: 'show one skill as the model reads it', load: () => import('./commands/skills-show.ts') },
  { name: 'skills find', summary: 'find a skill by what it is to help with', load: () => import('./commands/skills-find.ts') },
  { name: 'search', summary: 'find packages on the registry', load: () => import('./commands/search.ts') },
  { name: 'inspect', summary: 'show what a package brings and wants, without installing it', load: () => import('./commands/inspect.ts') },
  { name: 'call', summary: 'run one tool of a package in the sandbox, without a model', load: () => import('./commands/call.ts') },
  {
    name: 'permissions list',
    aliases: ['permissions'],
    summary: 'show what packages asked for and were granted',
    load: () => import('./commands/permissions-list.ts'),
  },
  { name: 'permissions grant', summary: 'grant permissions to an installed package', load: () => import('./commands/permissions-grant.ts') },
  { name: 'permissions revoke', summary: 'take permissions back', load: () => import('./commands/permissions-revoke.ts') },
  { name: 'secret set', summary: 'keep a secret that packages can use without seeing it', load: () => import('./commands/secret-set.ts') },
  { name: 'secret list', aliases: ['secret'], summary: 'name the secrets that are kept', load: () => import('./commands/secret-list.ts') },
  { name: 'secret remove', aliases: ['secret rm'], summary: 'forget a secret', load: () => import('./commands/secret-remove.ts') },
  {
    name: 'permissions used',
    summary: 'compare what packages were granted with what they used, and say what would be enough',
    load: () => import('./commands/permissions-used.ts'),
  },
  {
    name: 'permissions diff',
    summary: 'show what one package or version may do and another may not',
    load: () => import('./commands/permissions-diff.ts'),
  },
  { name: 'audit', summary: 'show what in the texts of a package or directory should make you wary', load: () => import('./commands/audit.ts') },
  { name: 'audit log', summary: 'show what packages did and were denied', load: () => import('./commands/audit-log.ts') },
  { name: 'sandbox attack', summary: 'run hostile programs in the sandbox of this machine', load: () => import('./commands/sandbox-attack.ts') },
  { name: 'sandbox layers', summary: 'try every layer of the sandbox on this machine', load: () => import('./commands/sandbox-layers.ts') },
  { name: 'audit verify', summary: 'check that nothing was changed in or taken out of the audit log', load: () => import('./commands/audit-verify.ts') },
  { name: 'stats', summary: 'show what runs cost: money, tokens, tools, and what was denied', load: () => import('./commands/stats.ts') },
  { name: 'dashboard', summary: 'show in a browser what agents do, cost and are denied', load: () => import('./commands/dashboard.ts') },
  { name: 'doctor', summary: 'check that this machine can run Dash', load: () => import('./commands/doctor.ts') },
  { name: 'create', summary: 'make a new extension, skill, prompt, theme or package', load: () => import('./commands/create.ts') },
  { name: 'check', aliases: ['validate'], summary: 'check a package or a skill before it is published', load: () => import('./commands/check.ts') },
  { name: 'pack', summary: 'write the tarball that would be published', load: () => import('./commands/pack.ts') },
  { name: 'publish', summary: 'check, pack and publish a package to the registry', load: () => import('./commands/publish.ts') },
  { name: 'registry serve', summary: 'serve a registry over a directory, on this machine', load: () => import('./commands/registry-serve.ts') },
  { name: 'acp', summary: 'serve an editor over the Agent Client Protocol', load: () => import('./commands/acp.ts') },
  { name: 'models', summary: 'list the models that have credentials', load: () => import('./commands/models.ts') },
  { name: 'login', summary: 'keep the key of a model provider', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'forget the key of a model provider', load: () => import('./commands/logout.ts') },
  { name: 'trust', summary: 'let the files of this project speak to the agent', load: () => import('./commands/trust.ts') },
  { name: 'session list', aliases: ['session'], summary: 'list the sessions of this directory', load: () => import('./commands/session-list.ts') },
  { name: 'session show', summary: 'show what was said in a session', load: () => import('./commands/session-show.ts') },
  { name: 'session export', summary: 'write a session as a page without script, or as data', load: () => import('./commands/session-export.ts') },
  { name: 'session import', summary: 'take a session of another machine, or of pi, over', load: () => import('./commands/session-import.ts') },
  { name: 'completion', summary: 'print what makes a shell complete `dash` with Tab', load: () => import('./commands/completion.ts') },
];

/** What runs when no command is named. */
export const HOST_COMMAND: CommandEntry = { name: '', summary: 'start the agent', load: () => import('./commands/host.ts') };

/** Finds the command whose one or two words `words` begins with. */
export function findCommand(words: readonly string[]): { readonly entry: CommandEntry; readonly words: number } | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ');
    const entry = COMMANDS.find((candidate) => candidate.name === name || candidate.aliases?.includes(name));
    if (entry && words.length >= count) return { entry, words: count };
  }
  return undefined;
}
