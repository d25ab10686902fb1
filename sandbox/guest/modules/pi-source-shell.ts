/** Stands in for pi's `utils/shell.js`, which looks for a shell on the disk: here the broker finds `bash`. */
export function getShellConfig(shell = 'bash'): { shell: string; args: string[] } {
  return { shell, args: ['-c'] };
}

export function getPowerShellConfig(): never {
  throw Object.assign(new Error('`getPowerShellConfig` is not available in the sandbox: run bash, or a program with `child_process.execFile`'), {
    code: 'UNSUPPORTED_API',
  });
}

/** The granted environment; where programs lie is for the broker to know. */
export function getShellEnv(): Record<string, string | undefined> {
  return { ...process.env };
}

/** Ends a program that this package started, with everything it started. */
export function killProcessTree(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

const running = new Set<number>();

export const trackDetachedChildPid = (pid: number): void => void running.add(pid);
export const untrackDetachedChildPid = (pid: number): void => void running.delete(pid);

/** Text without the characters that confuse the measuring of its width. */
export function sanitizeBinaryOutput(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what has to go
  return text.replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufff9-\ufffb]/g, '');
}
