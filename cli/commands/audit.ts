import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';

import { DashError } from '../../format/index.ts';
import { auditFiles, type AuditedFile, type TextAudit } from '../../skills-lib/index.ts';
import { findTarget } from '../find-installed.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('[target]', 'an installed package or a directory; default: this directory');
  return async (invocation) => {
    const dir = await directoryOf(command.args[0] ?? '.', invocation);
    const audit = auditFiles(await readFiles(dir));
    return { kind: 'document', document: audit, text: textOf(audit, invocation.stdout.style), exitCode: audit.verdict === 'pass' ? 0 : 6 };
  };
};

async function directoryOf(target: string, invocation: Invocation): Promise<string> {
  const path = resolve(invocation.cwd, target);
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isDirectory ? path : (await findTarget(target, invocation)).dir;
}

const MAX_FILES = 20_000;

/** Links are not followed: what they lead to is no part of the package. */
async function readFiles(dir: string): Promise<AuditedFile[]> {
  const files: AuditedFile[] = [];
  const visit = async (directory: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && entry.name !== '.git' && entry.name !== 'node_modules') await visit(path);
      if (!entry.isFile() && !entry.isSymbolicLink()) continue;
      if (files.length >= MAX_FILES) throw new DashError('USAGE', `\`${dir}\` has more than ${MAX_FILES} files`, { hint: 'name the directory of one package' });
      const name = relative(dir, path).replaceAll('\\', '/');
      if (entry.isSymbolicLink()) files.push({ path: name, bytes: undefined, link: await readlink(path) });
      else files.push({ path: name, bytes: await readFile(path).catch(() => undefined) });
    }
  };
  await visit(dir);
  return files;
}

function textOf({ verdict, findings, unread, contentHash, rules }: TextAudit, style: Style): string {
  const lines = findings.map(({ rule, severity, path, line, message }) => {
    const shown = severity === 'high' ? style.bad('high') : style.warning('notice');
    return `${oneLine(path)}:${line}: ${shown}: ${oneLine(message)} ${style.dim(rule)}`;
  });
  for (const { path, why } of unread) lines.push(`${oneLine(path)}: ${style.bad('not looked at')}: ${why}`);
  const summary = {
    pass: 'no text rule failed; that does not make it harmless',
    fail: style.bad('text rules failed'),
    error: style.bad('not everything could be looked at'),
  }[verdict];
  return `${[...lines, `${summary} ${style.dim(`(${contentHash.slice(0, 19)}, rules ${rules})`)}`].join('\n')}\n`;
}
