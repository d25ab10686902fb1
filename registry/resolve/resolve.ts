import { join } from 'node:path';

import { DashError } from '../../format/index.ts';
import { realDirectory } from '../fetch/local.ts';
import { formatSpec, type PackageSpec } from '../package-spec.ts';
import type { Workshop } from '../workshop.ts';
import { type Git, openGit } from './git-command.ts';
import { isCommit, resolveGit } from './git.ts';
import { resolveNpm } from './npm.ts';
import type { Resolution } from './resolution.ts';

/** Finds the exact thing a spec means now. @throws {DashError} as the kinds do */
export async function resolve(spec: PackageSpec, workshop: Workshop): Promise<Resolution> {
  workshop.progress({ kind: 'resolving', spec: formatSpec(spec) });
  switch (spec.kind) {
    case 'npm':
      return resolveNpm(spec, workshop.resolver);
    case 'git':
      if (workshop.offline && !(spec.ref !== undefined && isCommit(spec.ref))) {
        throw new DashError('OFFLINE', `what \`${formatSpec(spec)}\` means now cannot be asked offline`, {
          hint: 'try again without `--offline`, or name a commit with all of its digits',
        });
      }
      return resolveGit(spec, await gitFor(spec.repository, workshop));
    case 'tarball-url':
    case 'tarball-file':
    case 'stdin':
      return { kind: 'tarball', spec };
    case 'directory':
      return { kind: 'directory', spec, path: await realDirectory(spec.path) };
  }
}

/** The repository of our own into which this one is fetched; lives as long as the staging directory. */
export function gitFor(repository: string, { staging, signal }: Workshop): Promise<Git> {
  return openGit(join(staging.dir, 'git', Buffer.from(repository).toString('base64url').slice(-64)), signal);
}
