import { plainText, quotedText } from '../format/index.ts';
import type { ConsentAnswer, ConsentPlan, ConsentPort, PackagePlan, PlannedPermission } from '../registry/index.ts';
import { consentSentence, permissionRows, SHORTENED } from './consent-sentence.ts';
import { formatEvidence } from './output/evidence.ts';
import { oneLine, type Style, type Terminal } from './output/terminal.ts';
import { wrapLines } from './output/wrap-lines.ts';

const MAX_REASON = 160;

/** Asks on the terminal what one key answers. Enter, Escape and Ctrl-C are a no, and so is a closed terminal. */
export function consentPrompt(terminal: Terminal): ConsentPort {
  return {
    async ask(plan): Promise<ConsentAnswer> {
      terminal.write(wrapLines(formatQuestion(plan, terminal.style), terminal.columns));
      for (let isDetailed = false; ; isDetailed = true) {
        const key = await askKey(isDetailed);
        if (key !== 'd') return answerOf(key, plan);
        terminal.write(wrapLines(formatPlan(plan, terminal.style), terminal.columns));
      }
    },
  };
}

async function askKey(isDetailed: boolean): Promise<string | undefined> {
  const [{ isCancel, selectKey }, { settledKeys }] = await Promise.all([import('@clack/prompts'), import('../host/index.ts')]);
  using input = settledKeys(process.stdin);
  const answer = await selectKey({
    message: 'install?',
    options: [
      // the first one is what Enter stands for
      { value: 'n', label: 'no', hint: 'change nothing' },
      { value: 'i', label: 'install' },
      { value: 't', label: 'try it for a day', hint: 'then it asks again' },
      ...(isDetailed ? [{ value: 'w', label: 'install without these permissions', hint: 'each can be granted later' }] : [{ value: 'd', label: 'details' }]),
    ],
    input: input.keys,
    output: process.stderr,
  });
  return isCancel(answer) ? undefined : answer;
}

/** What is not a letter of a yes is a no. */
function answerOf(key: string | undefined, plan: ConsentPlan): ConsentAnswer {
  switch (key) {
    case 'i':
      return { kind: 'install' };
    case 't':
      return { kind: 'try' };
    case 'w':
      return { kind: 'install', deny: plan.packages.flatMap(({ summary }) => summary.map(({ permission }) => permission)) };
    default:
      return { kind: 'no' };
  }
}

/** The question: for each package one sentence of what it will do, what follows from it, and what it will ask later. */
export function formatQuestion({ packages }: ConsentPlan, style: Style): string {
  return packages
    .map((pkg) => {
      const { does, follows, later } = consentSentence(pkg);
      const lines = [formatHead(pkg, style), ...(isReadFromCode(pkg) ? [`  ${READ_FROM_CODE}`] : []), `  ${plainText(does, 2_000)}`];
      if (follows !== undefined) lines.push(`  ${style.warning('together:')} ${plainText(follows, 2_000)}`);
      if (later !== undefined) lines.push(`  ${style.bad('later:')} ${plainText(later, 2_000)}`);
      if ([does, follows, later].some((text) => text?.includes(SHORTENED) === true)) lines.push(style.dim(`  \`details\` lists what ${SHORTENED} leaves out`));
      return `${lines.join('\n')}\n`;
    })
    .join('\n');
}

/** A package that declares nothing is asked about what its code was seen to need. */
const READ_FROM_CODE = 'it declares no permissions; these were read from its code, and may not be all';

function isReadFromCode({ quiet, summary, later }: PackagePlan): boolean {
  return [...quiet, ...summary, ...later].some(({ inferred }) => inferred !== undefined);
}

/** The details: what each package will be able to do, permission by permission, by what it takes to allow it. */
export function formatPlan({ packages }: ConsentPlan, style: Style): string {
  return packages.map((one) => formatPackage(one, style)).join('\n');
}

function formatPackage(pkg: PackagePlan, style: Style): string {
  const { quiet, summary, later, granted, denied } = pkg;
  const lines = [formatHead(pkg, style)];
  const isInferred = isReadFromCode(pkg);
  const section = (title: string, permissions: readonly PlannedPermission[], isRed = false): void => {
    if (permissions.length === 0) return;
    lines.push(`  ${title}`, ...permissionRows(permissions).map((row) => `    ${formatRow(row, isRed, style)}`));
  };
  if (isInferred) lines.push(`  ${READ_FROM_CODE}`);
  section('wants to', summary);
  section('gets by being installed', quiet);
  section(
    'will ask when it needs it',
    later.filter(({ level }) => level !== 'policy'),
    true,
  );
  section(
    'asks for what only a policy file can grant',
    later.filter(({ level }) => level === 'policy'),
    true,
  );
  if (granted.length > 0) lines.push(`  granted: ${granted.map(oneLine).join(', ')}`);
  if (denied.length > 0) lines.push(`  denied: ${denied.map(oneLine).join(', ')}`);
  lines.push('  can talk to your model');
  return `${lines.join('\n')}\n`;
}

function formatHead({ name, version, source, replaces }: PackagePlan, style: Style): string {
  const before = replaces === undefined ? '' : `, in place of ${oneLine(replaces.version)} from ${oneLine(replaces.source)}`;
  return `${style.strong(oneLine(name))} ${oneLine(version)} from ${oneLine(source)}${before}`;
}

/** The author's reason is a claim of the package: quoted, on one line, cut. */
function formatRow({ words, permission, reason, inferred }: ReturnType<typeof permissionRows>[number], isRed: boolean, style: Style): string {
  const claimed =
    inferred !== undefined
      ? style.dim(`  ${formatEvidence(inferred)}`)
      : reason === undefined
        ? ''
        : style.dim(`  its author says: ${quotedText(reason, MAX_REASON)}`);
  return `${isRed ? style.bad(words) : words}  ${style.dim(`[${oneLine(permission)}]`)}${claimed}`;
}
