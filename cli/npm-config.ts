import { type NpmConfig, readNpmConfig, unusedProjectSettings } from '../registry/index.ts';
import type { Invocation } from './command.ts';

/** Registry, auth and proxy as the user's npm has them. What of a project's `.npmrc` is not used is said on `stderr`. */
export async function npmConfigFor({
  env,
  globals,
  cwd,
  stderr,
}: Pick<Invocation, 'env' | 'globals' | 'cwd'> & Partial<Pick<Invocation, 'stderr'>>): Promise<NpmConfig> {
  const project = { dir: cwd, isTrusted: globals.trustProject === true };
  if (stderr !== undefined && globals.quiet !== true) {
    const unused = await unusedProjectSettings(project);
    if (unused.length > 0) {
      const { formatDiagnostics } = await import('./output/diagnostics.ts');
      stderr.write(formatDiagnostics(unused, stderr.style));
    }
  }
  return readNpmConfig({ env, project, ...(globals.registry !== undefined && { registry: globals.registry }) });
}
