import { describePermission, parsePermission } from '../format/index.ts';
import type { ConsentAnswer, ConsentPlan, ConsentPort, PackagePlan, PlannedPermission } from '../registry/index.ts';
import { oneLine, type Style, type Terminal } from './output/terminal.ts';

/** Asks on the terminal what one key answers. Closing the question, or Ctrl-C, is a no. */
export function consentPrompt(terminal: Terminal): ConsentPort {
  return {
    async ask(plan): Promise<ConsentAnswer> {
      terminal.write(formatPlan(plan, terminal.style));
      const { isCancel, select } = await import('@clack/prompts');
      const answer = await select({
        message: 'install?',
        options: [
          { value: 'no', label: 'no', hint: 'change nothing' },
          { value: 'install', label: 'yes, with these permissions' },
          { value: 'without', label: 'yes, without them', hint: 'each can be granted later' },
        ],
        initialValue: 'no',
        output: process.stderr,
      });
      if (isCancel(answer) || answer === 'no') return { kind: 'no' };
      if (answer === 'install') return { kind: 'install' };
      return { kind: 'install', deny: plan.packages.flatMap(({ summary }) => summary.map(({ permission }) => permission)) };
    },
  };
}

/** The consent text: what each package will be able to do, in plain words, by what it takes to allow it. */
export function formatPlan({ packages }: ConsentPlan, style: Style): string {
  return packages.map((one) => formatPackage(one, style)).join('\n');
}

function formatPackage({ name, version, source, replaces, quiet, summary, later, granted, denied }: PackagePlan, style: Style): string {
  const lines = [
    `${style.strong(oneLine(name))} ${oneLine(version)} from ${oneLine(source)}${replaces === undefined ? '' : `, in place of ${oneLine(replaces.version)} from ${oneLine(replaces.source)}`}`,
  ];
  const section = (title: string, permissions: readonly PlannedPermission[]): void => {
    if (permissions.length === 0) return;
    lines.push(`  ${title}`, ...permissions.map((permission) => `    ${formatPermissionLine(permission, style)}`));
  };
  section('wants to', summary);
  section('gets by being installed', quiet);
  section('will ask when it needs it', later);
  if (granted.length > 0) lines.push(`  granted: ${granted.map(oneLine).join(', ')}`);
  if (denied.length > 0) lines.push(`  denied: ${denied.map(oneLine).join(', ')}`);
  lines.push('  can talk to your model');
  return `${lines.join('\n')}\n`;
}

/** The author's reason is a claim of the package: quoted, on one line, cut. */
function formatPermissionLine({ permission, level, reason }: PlannedPermission, style: Style): string {
  const words = describePermission(parsePermission(permission));
  const claimed = reason === undefined ? '' : style.dim(`  "${oneLine(reason).slice(0, 120)}"`);
  return `${level === 'one-by-one' ? style.bad(words) : words}  ${style.dim(`[${oneLine(permission)}]`)}${claimed}`;
}
