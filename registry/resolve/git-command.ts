import { DashError, makeDirectory } from '../../format/index.ts';
import { isErrno } from '../store/file-errors.ts';

/** A few git commands in one bare repository of our own, where nothing of the user's or the machine's setup counts. */
export interface Git {
  text(...args: string[]): Promise<string>;
  /** `cat-file --batch` with these object names on its standard input. */
  catFiles(objects: readonly string[]): Promise<Buffer>;
}

/**
 * Opens an empty bare repository at `dir`. Hooks, filters, templates, replaced objects, credential helpers and the
 * configuration of user and system are off; git asks nothing and speaks https, ssh and file only.
 *
 * @throws {DashError} GIT_FAILED when there is no git
 */
export async function openGit(dir: string, signal?: AbortSignal): Promise<Git> {
  makeDirectory(dir);
  const { simpleGit } = await import('simple-git');
  const environment = {
    ...inherited(),
    GIT_ALLOW_PROTOCOL: 'https:ssh:file',
    GIT_PROTOCOL_FROM_USER: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    // no password, no question about an unknown host
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_DIR: dir,
  };
  const open = (input?: string) =>
    simpleGit({
      baseDir: dir,
      ...(signal !== undefined && { abort: signal }),
      allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
      // each is used to switch something off: prompts, configuration, hooks, templates
      unsafe: { allowUnsafeSshCommand: true, allowUnsafeConfigPaths: true, allowUnsafeHooksPath: true, allowUnsafeTemplateDir: true },
      config: ['core.hooksPath=/dev/null', 'core.symlinks=false', 'fetch.recurseSubmodules=false', 'gc.auto=0', 'maintenance.auto=false'],
      timeout: { block: 120_000 },
      ...(input !== undefined && { input: () => input }),
    }).env(environment);

  const text = async (...args: string[]): Promise<string> => {
    try {
      return await open().raw(args);
    } catch (error) {
      throw asGitError(error, signal);
    }
  };
  await text('init', '--bare', '--quiet', '--template=');
  return {
    text,
    async catFiles(objects) {
      try {
        const reply: unknown = await open(objects.map((object) => `${object}\n`).join('')).binaryCatFile(['--batch']);
        if (!Buffer.isBuffer(reply)) throw new Error('cat-file gave no bytes');
        return reply;
      } catch (error) {
        throw asGitError(error, signal);
      }
    },
  };
}

/** What git and ssh need to run at all, and nothing that could configure them. */
function inherited(): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'TMPDIR',
    'SSH_AUTH_SOCK',
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    // whom to believe, where a company signs for itself
    'GIT_SSL_CAINFO',
    'GIT_SSL_CAPATH',
    'SystemRoot',
  ];
  const values = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(values), LC_ALL: 'C' };
}

function asGitError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return new DashError('INTERRUPTED', 'interrupted while git was working', { cause: error });
  if (isErrno(error, 'ENOENT') || (error instanceof Error && error.message.includes('spawn git ENOENT'))) {
    return new DashError('GIT_FAILED', '`git` is not on this machine', { hint: 'install git', cause: error });
  }
  if (!(error instanceof Error)) return error;
  const said = error.message
    .replaceAll(/\/\/[^/\s@]*@/g, '//')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ');
  return new DashError('GIT_FAILED', `git failed: ${said}`, { hint: hintFor(error.message), cause: error });
}

/** What the words of git and ssh mean for somebody who cannot be asked. */
function hintFor(said: string): string {
  if (/could not read Username|Authentication failed|terminal prompts disabled/.test(said))
    return 'it is not there, or private: for a private one use `git+ssh://`, with a key that your ssh agent holds';
  if (/Permission denied \(/.test(said)) return 'no key of yours is accepted: `ssh-add -l` lists those that your ssh agent holds';
  if (/Host key verification failed/.test(said)) return 'connect to it once with `ssh`, and compare its key: it is not in your `known_hosts`';
  if (/certificate/i.test(said)) return 'if you trust who signed it, name the file of its certificate in `GIT_SSL_CAINFO`';
  return 'check the address, and that you may read the repository';
}
