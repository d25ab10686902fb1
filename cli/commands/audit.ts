import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';

import { DashError, isDashError, type PackageManifest, parseManifest } from '../../format/index.ts';
import {
  auditFiles,
  type AuditedFile,
  lookUpMentioned,
  type NamedPackage,
  type ObservedAuthority,
  observeAuthority,
  type TextAudit,
} from '../../skills-lib/index.ts';
import { npmConfigFor } from '../npm-config.ts';
import { findTarget } from '../find-installed.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('[target]', 'an installed package or a directory; default: this directory')
    .option('--online', 'ask the registry since when the packages exist that texts tell to install');
  return async (invocation) => {
    const { online } = command.opts<{ readonly online?: boolean }>();
    const dir = await directoryOf(command.args[0] ?? '.', invocation);
    const files = await readFiles(dir);
    const offline = auditFiles(files);
    const audit = online === true ? await lookUp(offline, files, invocation) : offline;
    const declared = declaredBy(files);
    const authority = { declared, observed: observeAuthority(files, declared) };
    const { style } = invocation.stdout;
    return {
      kind: 'document',
      document: { ...audit, authority },
      text: `${authorityText(authority, style)}${textOf(audit, style)}`,
      exitCode: audit.verdict === 'pass' ? 0 : 6,
    };
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

async function lookUp(audit: TextAudit, files: readonly AuditedFile[], invocation: Invocation): Promise<TextAudit> {
  const { openAges } = await import('../../registry/catalog/index.ts');
  const { home, globals, signal } = invocation;
  const ages = openAges({ dashHome: home, npm: await npmConfigFor(invocation), signal, ...(globals.offline === true && { offline: true }) });
  return lookUpMentioned(audit, { lookUp: ages, now: new Date(), own: manifestOf(files)?.name });
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
      else files.push({ path: name, bytes: await bytesOf(path) });
    }
  };
  await visit(dir);
  return files;
}

/** No text is so long, and reading it would fill the memory. What was not read makes the verdict `error`. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

async function bytesOf(path: string): Promise<Buffer | undefined> {
  try {
    return (await stat(path)).size > MAX_READ_BYTES ? undefined : await readFile(path);
  } catch {
    return undefined;
  }
}

interface Authority {
  readonly declared: readonly string[];
  readonly observed: readonly ObservedAuthority[];
}

/** What package.json asks for. */
function declaredBy(files: readonly AuditedFile[]): readonly string[] {
  const { dash } = manifestOf(files) ?? {};
  return dash === undefined ? [] : [...dash.permissions, ...dash.optionalPermissions].map(({ permission }) => permission);
}

/** One that cannot be read asks for nothing, and is for `dash check` to name. */
function manifestOf(files: readonly AuditedFile[]): PackageManifest | undefined {
  const manifest = files.find(({ path }) => path === 'package.json')?.bytes;
  if (manifest === undefined) return undefined;
  try {
    return parseManifest(manifest.toString('utf8'), 'package.json', { name: 'audited' });
  } catch (error) {
    if (!isDashError(error)) throw error;
    return undefined;
  }
}

const MOST_SHOWN = 12;

function authorityText({ declared, observed }: Authority, style: Style): string {
  const open = observed.filter((one) => !one.declared);
  const lines = [
    `declares: ${declared.length === 0 ? 'nothing' : declared.map(oneLine).join(' ')}`,
    ...open.slice(0, MOST_SHOWN).map(({ permission, path, line }) => `mentions: ${oneLine(permission)} ${style.dim(`${oneLine(path)}:${line}`)}`),
    ...(open.length > MOST_SHOWN
      ? [`mentions ${open.length - MOST_SHOWN} more that ${declared.length === 0 ? 'nobody declared' : 'are not declared'}; \`--json\` has all`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function textOf({ verdict, findings, unread, notLookedUp, lookedUpAt, contentHash, rules }: TextAudit, style: Style): string {
  const lines = findings.map(({ rule, severity, path, line, message }) => {
    const shown = severity === 'high' ? style.bad('high') : style.warning('notice');
    return `${oneLine(path)}:${line}: ${shown}: ${oneLine(message)} ${style.dim(rule)}`;
  });
  for (const { path, why } of unread) lines.push(`${oneLine(path)}: ${style.bad('not looked at')}: ${why}`);
  lines.push(...unaskedText(notLookedUp, lookedUpAt !== undefined));
  const summary = {
    pass: 'no text rule failed; that does not make it harmless',
    fail: style.bad('text rules failed'),
    error: style.bad('not everything could be looked at'),
  }[verdict];
  return `${[...lines, `${summary} ${style.dim(`(${contentHash.slice(0, 19)}, rules ${rules})`)}`].join('\n')}\n`;
}

/** Packages that nobody was asked about: what is not said would read as if they were. */
function unaskedText(packages: readonly NamedPackage[], isOnline: boolean): string[] {
  if (packages.length === 0) return [];
  const names = packages.slice(0, MOST_SHOWN).map(({ registry, name }) => `${registry}:${oneLine(name)}`);
  const more = packages.length > MOST_SHOWN ? ` and ${packages.length - MOST_SHOWN} more` : '';
  const why = isOnline ? 'only npm names are asked for, two hundred at most' : '`--online` asks the registry about those of npm';
  return [`not looked up, whether they exist: ${names.join(' ')}${more}; ${why}`];
}
