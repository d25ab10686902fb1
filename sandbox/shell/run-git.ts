import { spawn } from 'node:child_process';

/** What git answered; `undefined` where there is no git, or it failed. */
export type RunGit = (args: readonly string[], cwd: string) => Promise<string | undefined>;

/** Of git's variables only where the user's own configuration lies: the others change what a command reads or runs. */
const PASSED_ON = ['PATH', 'HOME', 'XDG_CONFIG_HOME'];

/** The environment of the host's own questions to git. They read; nothing that a repository names is run. */
export function gitEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    // A replacement is a file in `.git` that anybody can write.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PAGER: 'cat',
  };
}

/** Options before every question: no program of the repository watches files for us. */
export const QUIET: readonly string[] = ['-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false', '-c', 'core.hooksPath=/dev/null'];

const MAX_BYTES = 64 * 1024 * 1024;

/** Makes the way to ask git. */
export function createRunGit(env: Readonly<Record<string, string | undefined>>): RunGit {
  const environment = gitEnvironment(env);
  return (args, cwd) =>
    new Promise((resolve) => {
      const child = spawn('git', [...QUIET, ...args], { cwd, env: environment, stdio: ['ignore', 'pipe', 'ignore'] });
      const chunks: Buffer[] = [];
      let bytes = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) child.kill('SIGKILL');
        else chunks.push(chunk);
      });
      child.once('error', () => resolve(undefined));
      child.once('close', (code) => resolve(code === 0 ? Buffer.concat(chunks).toString('utf8') : undefined));
    });
}
