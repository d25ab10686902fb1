import { resolve } from 'node:path';

import { publish, type PublishResult } from '../../registry/publish/index.ts';
import type { DefineCommand } from '../command.ts';
import { checkPorts } from '../compose.ts';
import { npmConfigFor } from '../npm-config.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { oneLine, type Style } from '../output/terminal.ts';

interface PublishFlags {
  readonly confirm?: boolean;
  readonly tag?: string;
  readonly access?: 'public' | 'restricted';
}

export const define: DefineCommand = (command) => {
  command
    .argument('[dir]', 'the package; default: this directory')
    .option('--confirm', 'publish; without it, outside CI, this shows what would be published')
    .option('--tag <tag>', 'publish under this tag instead of `latest`')
    .option('--access <access>', '`public` or `restricted`, for a scoped package');
  return async (invocation) => {
    const { cwd, env, globals, signal, stdout } = invocation;
    const flags = command.opts<PublishFlags>();
    const isCi = env['CI'] === 'true' || env['CI'] === '1';
    const result = await publish({
      dir: resolve(cwd, command.args[0] ?? '.'),
      ports: await checkPorts(invocation),
      npm: await npmConfigFor(invocation),
      ...(globals.registry !== undefined && { registry: globals.registry }),
      confirm: (flags.confirm === true || isCi) && globals.dryRun !== true,
      tag: flags.tag,
      access: flags.access,
      // npm can attest where a package was built only where CI vouches for it
      provenance: isCi && env['ACTIONS_ID_TOKEN_REQUEST_URL'] !== undefined,
      signal,
    });
    return { kind: 'document', document: documentOf(result), text: textOf(result, stdout.style) };
  };
};

function documentOf({ kind, packed, check, previous, permissionChange, tag, registry }: PublishResult) {
  const { manifest, filename, size, files, integrity } = packed;
  const { name, version } = manifest;
  return {
    published: kind === 'published',
    name,
    version,
    registry,
    tag,
    previous,
    permissionChange,
    filename,
    size,
    files,
    integrity,
    diagnostics: check.diagnostics,
  };
}

function textOf({ kind, packed, check, previous, permissionChange, tag, registry }: PublishResult, style: Style): string {
  const { name, version } = packed.manifest;
  return [
    formatDiagnostics(check.diagnostics, style).trimEnd(),
    `${style.strong(`${name}@${version}`)}  ${packed.size} bytes, ${packed.files.length} files, tag ${tag}, ${kind === 'published' ? 'on' : 'for'} ${oneLine(registry)}`,
    previous === undefined ? 'first version on the registry; it asks for' : `compared with ${previous}`,
    ...permissionChange.added.map((permission) => style.warning(`  + ${permission}`)),
    ...permissionChange.removed.map((permission) => `  - ${permission}`),
    ...(permissionChange.added.length + permissionChange.removed.length === 0 ? ['  no permission is added or removed'] : []),
    kind === 'published' ? style.good('published') : `nothing was sent; ${style.strong('dash publish --confirm')} publishes it`,
    '',
  ]
    .filter((line, at, all) => line !== '' || at === all.length - 1)
    .join('\n');
}
