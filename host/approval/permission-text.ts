import {
  consentLevel,
  describeMax,
  describePermission,
  formatPermission,
  parsePermission,
  type Permission,
  plainText,
  permissionSet,
  quotedText,
} from '../../format/index.ts';
import type { PermissionAnswer, PermissionQuestion } from '../../sandbox/index.ts';

/** One answer to a question: the letter that gives it, and what it means. */
export interface AnswerChoice {
  readonly answer: PermissionAnswer;
  readonly key: string;
  readonly label: string;
}

/** More than that would push the question itself off a small screen. */
const MAX_CALL = 400;
/** More than that nobody reads, and a screen needs long for it. */
const MAX_READ = 20_000;
const MAX_TARGET = 300;
const MAX_NAMES = 1_500;
const MANY = 3;
const MAX_REASON = 160;
const MAX_MESSAGE = 120;

/** A question in words: who asks, the exact call, and one line each for what it is part of, the author's reason, and where it comes from. */
export interface PermissionWords {
  readonly title: string;
  readonly call: readonly string[];
  readonly facts: readonly string[];
}

/** Words a question for whoever reads it in one piece. Everything that others wrote is cleaned, quoted and cut. */
export function describeQuestion(question: PermissionQuestion): readonly string[] {
  const { title, facts } = tellQuestion(question);
  return [title, `  the call: ${question.capability} ${quotedCall(question.target)}`, ...facts];
}

/** The same for a screen on which it can be scrolled through: the call to its end, in its own lines. */
export function tellQuestion(question: PermissionQuestion): PermissionWords {
  const { capability, target, permissions, reason, max, seenAt, confinement, message, sources } = question;
  const parsed = permissions.map(parsePermission);
  const isShort = target.length <= MAX_CALL && !target.includes('\n');
  const title = `permission question from Dash: may ${quotedText(question.package, 80)} ${plainText(question.version, 40)} do this?`;
  const call = isShort ? [`  the call: ${capability} ${quotedCall(target)}`] : [`  the call: ${capability}`, ...quotedLines(target)];
  const facts = [
    ...(confinement === undefined
      ? []
      : [`  it runs ${confinement === 'confined' ? 'confined by the operating system' : 'outside the sandbox and can do anything you can'}`]),
    `  part of: ${partsOf(parsed)}${max === undefined ? '' : `, ${describeMax(max)}`}${isRed(question) ? ', which is dangerous' : ''}`,
    reason === undefined && seenAt !== undefined
      ? `  its author says nothing; seen in its code: ${quotedText(seenAt, MAX_REASON)}`
      : `  its author says: ${reason === undefined ? 'nothing' : quotedText(reason, MAX_REASON)}`,
    `  started by your message: ${quotedText(message, MAX_MESSAGE)}`,
    ...(sources.length === 0 ? [] : [`  also in the model's context: ${sources.map((source) => plainText(source, 80)).join(', ')}`]),
  ];
  return { title, call, facts };
}

/** The lines of what somebody else wrote, behind a bar: none of them can pass for one of the question's own. */
export function quotedLines(text: string): readonly string[] {
  const all = [...text];
  const read =
    all.length <= MAX_READ
      ? text
      : `${all.slice(0, MAX_READ / 2).join('')}\n… ${all.length - MAX_READ} characters not shown …\n${all.slice(-MAX_READ / 2).join('')}`;
  return read.split(/\r?\n/).map((line) => `  ┃ ${/^ {0,40}/.exec(line)?.[0] ?? ''}${plainText(line, Infinity)}`);
}

/** A call is shown to its end: what stands behind the beginning happens as well. Of one that nobody could read, both ends. */
function quotedCall(target: string): string {
  const all = [...target];
  if (all.length <= MAX_CALL) return quotedText(target, MAX_CALL);
  const [head, tail] = [all.slice(0, MAX_CALL / 2).join(''), all.slice(-MAX_CALL / 2).join('')];
  return `${quotedText(head, MAX_CALL)} … ${all.length - MAX_CALL} characters not shown … ${quotedText(tail, MAX_CALL)}`;
}

/** Variables are asked for together: many are one thing, with all their names. */
function partsOf(permissions: readonly Permission[]): string {
  if (permissions.length > MANY && permissions.every(({ area }) => area === 'env')) {
    const names = permissions.flatMap((permission) => (permission.area === 'env' ? [permission.name] : []));
    return `see ${names.length} environment variables: ${plainText(names.join(', '), MAX_NAMES)}`;
  }
  return permissions.map((permission) => `${describePermission(permission)} [${plainText(formatPermission(permission), MAX_TARGET)}]`).join(' and ');
}

/** Whether it is one of those that nobody should say yes to for long. */
export function isRed({ permissions, confinement }: Pick<PermissionQuestion, 'permissions' | 'confinement'>): boolean {
  const parsed = permissions.map(parsePermission);
  return confinement === 'full access' || parsed.some((permission) => consentLevel(permission, permissionSet([permission])) === 'one-by-one');
}

/** What can be answered. No comes first and is the default; `project` only where the answer may be written down. */
export function answerChoices({ mayPause }: PermissionQuestion, { mayWrite }: { readonly mayWrite: boolean }): readonly AnswerChoice[] {
  return [
    { answer: 'no', key: 'n', label: 'no' },
    { answer: 'once', key: 'o', label: 'yes, this once' },
    { answer: 'session', key: 's', label: 'yes, for this session' },
    ...(mayWrite ? [{ answer: 'project', key: 'p', label: 'yes, always in this project' } as const] : []),
    ...(mayPause ? [{ answer: 'pause', key: 'x', label: 'no, and ask nothing more for this package' } as const] : []),
  ];
}
