import { readFile, stat } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';

import { DashError } from '../../format/index.ts';
import type { CheckResult } from '../../registry/publish/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { checkPorts } from '../compose.ts';
import { fixSkills, type FixedSkill } from '../fix-skills.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('[target]', 'a package directory or a SKILL.md; default: this directory')
    .option('--fix', 'mend what can be mended in skills: quote colons, move unknown fields under `metadata`, name the directory as the skill');
  return async (invocation) => {
    const { cwd, globals, stdout } = invocation;
    const named = resolve(cwd, command.args[0] ?? '.');
    const fixed = command.opts<{ readonly fix?: boolean }>().fix === true ? await fixSkills(named, globals.dryRun === true) : undefined;
    const target = fixed?.target ?? named;
    const { ok, diagnostics } = await checkTarget(target, invocation);
    const count = (severity: string) => diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return {
      kind: 'document',
      document: { ok, diagnostics, ...(fixed && { fixed: fixed.skills }) },
      text: `${fixed ? fixedText(fixed.skills, globals.dryRun === true, stdout.style) : ''}${formatDiagnostics(diagnostics, stdout.style)}${ok ? stdout.style.good('check passed') : stdout.style.bad('check failed')}: ${relative(cwd, target) || '.'}, ${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}\n`,
      exitCode: ok ? 0 : 6,
    };
  };
};

async function checkTarget(target: string, invocation: Invocation): Promise<CheckResult> {
  const found = await stat(target).catch((cause: unknown) => {
    throw new DashError('MANIFEST_NOT_FOUND', `\`${target}\` does not exist`, {
      hint: 'name a package directory or a SKILL.md',
      where: { path: target },
      cause,
    });
  });
  if (found.isDirectory()) {
    const { check } = await import('../../registry/publish/index.ts');
    return check(target, await checkPorts(invocation));
  }
  if (!/^skill\.md$/i.test(basename(target))) {
    throw new DashError('USAGE', `\`${target}\` is neither a directory nor a SKILL.md`, { hint: "name the package's directory" });
  }
  const diagnostics = (await checkPorts(invocation)).checkText.skills(await readFile(target, 'utf8'), target);
  return { ok: diagnostics.every(({ severity }) => severity !== 'error'), diagnostics };
}

function fixedText(skills: readonly FixedSkill[], isDryRun: boolean, style: Style): string {
  const lines = skills.flatMap(({ path, done, renamed, left }) => [
    ...done.map((what) => `${oneLine(path)}: ${style.good(isDryRun ? 'would have' : 'fixed')}: ${oneLine(what)}\n`),
    ...(renamed === undefined
      ? []
      : [`${oneLine(path)}: ${style.good(isDryRun ? 'would have' : 'fixed')}: renamed its directory to \`${oneLine(renamed)}\`\n`]),
    ...(left === undefined ? [] : [`${oneLine(path)}: ${style.warning('left')}: ${oneLine(left)}\n`]),
  ]);
  return lines.length === 0 ? 'nothing that `--fix` can mend\n' : lines.join('');
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
