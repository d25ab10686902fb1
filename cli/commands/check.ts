import { readFile, stat } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';

import { DashError } from '../../format/index.ts';
import type { CheckResult } from '../../registry/publish/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { checkPorts } from '../compose.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';

export const define: DefineCommand = (command) => {
  command.argument('[target]', 'a package directory or a SKILL.md; default: this directory');
  return async (invocation) => {
    const { cwd, stdout } = invocation;
    const target = resolve(cwd, command.args[0] ?? '.');
    const { ok, diagnostics } = await checkTarget(target, invocation);
    const count = (severity: string) => diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return {
      kind: 'document',
      document: { ok, diagnostics },
      text: `${formatDiagnostics(diagnostics, stdout.style)}${ok ? stdout.style.good('check passed') : stdout.style.bad('check failed')}: ${relative(cwd, target) || '.'}, ${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}\n`,
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

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
