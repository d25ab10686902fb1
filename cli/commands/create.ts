import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

import { DashError, nearest } from '../../format/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { packageRoot } from '../package-root.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';

const KINDS = ['extension', 'skill', 'prompt', 'theme', 'package'];

export const define: DefineCommand = (command) => {
  command.argument('<kind>', KINDS.join(', ')).argument('[name]', 'the name of the package, or of the skill', undefined);
  return async (invocation) => {
    const { cwd, globals, stdout } = invocation;
    const [kind = '', name = `my-${kind}`] = command.args;
    assertKind(kind);
    assertName(name, kind);
    const dir = resolve(cwd, shortName(name));
    const files = await readTemplate(kind, name);
    if (globals.dryRun !== true) await writeNew(dir, files);

    const checked = globals.dryRun === true ? undefined : await checkCreated(dir, invocation);
    const paths = files.map(({ path }) => path);
    const shown = relative(cwd, dir);
    return {
      kind: 'document',
      document: { dir, files: paths, ...(checked && { check: checked }) },
      text: [
        `${globals.dryRun === true ? 'would create' : 'created'} ${stdout.style.strong(shown)}`,
        ...paths.map((path) => `  ${path}`),
        ...(checked ? [formatDiagnostics(checked.diagnostics, stdout.style).trimEnd(), checked.ok ? 'check passed' : 'check failed'] : []),
        `${stdout.style.strong('next')}: ${nextStep(kind, shown)}`,
        '',
      ]
        .filter((line, at, all) => line !== '' || at === all.length - 1)
        .join('\n'),
      exitCode: checked === undefined || checked.ok ? 0 : 6,
    };
  };
};

interface TemplateFile {
  readonly path: string;
  readonly text: string;
}

async function readTemplate(kind: string, name: string): Promise<TemplateFile[]> {
  const root = join(packageRoot(), 'starter-templates', kind);
  const filled = (text: string) => text.replaceAll('{{name}}', name).replaceAll('{{short}}', shortName(name));
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { path: filled(relative(root, path)), text: filled(await readFile(path, 'utf8')) };
      }),
  );
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The folder is made by this call or not at all: nothing of the user's is ever overwritten. */
async function writeNew(dir: string, files: readonly TemplateFile[]): Promise<void> {
  await mkdir(dirname(dir), { recursive: true });
  await mkdir(dir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new DashError('TARGET_EXISTS', `\`${dir}\` exists already`, { hint: 'choose another name, or remove it', cause });
  });
  try {
    for (const { path, text } of files) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

async function checkCreated(dir: string, invocation: Invocation) {
  const { check } = await import('../../registry/publish/index.ts');
  const { checkPorts } = await import('../compose.ts');
  return check(dir, await checkPorts(invocation));
}

function assertKind(kind: string): void {
  if (KINDS.includes(kind)) return;
  const meant = nearest(kind, KINDS);
  throw new DashError('USAGE', `\`${kind}\` is nothing that can be created`, {
    hint: meant ? `did you mean \`dash create ${meant}\`?` : `choose one of ${KINDS.join(', ')}`,
  });
}

function assertName(name: string, kind: string): void {
  // a skill's name is stricter: it stands in the prompt and is a directory in every client
  const form =
    kind === 'package' || kind === 'extension' || kind === 'theme' || kind === 'prompt'
      ? /^(@[a-z0-9-]+\/)?[a-z0-9]+(-[a-z0-9]+)*$/
      : /^[a-z0-9]+(-[a-z0-9]+)*$/;
  if (form.test(name) && name.length <= 64) return;
  throw new DashError('USAGE', `\`${name}\` is no name for a ${kind}`, { hint: 'use lower-case letters, digits and single hyphens, 64 at most' });
}

function shortName(name: string): string {
  return basename(name);
}

function nextStep(kind: string, dir: string): string {
  if (kind === 'skill') return `edit ${dir}/SKILL.md, then \`dash check ${dir}\``;
  return `edit it, then \`dash install ./${dir}\` to use it and \`dash publish -C ${dir}\` to share it`;
}
