import type { PermissionAnswer, PermissionQuestion, QuestionPort } from './ports.ts';

/** This many questions of one package within the window, and the user is offered to silence it. */
const QUESTIONS_BEFORE_PAUSE = 5;
const WINDOW_MS = 10 * 60_000;

/**
 * Stands between packages and the person, so that questions stay few enough to be read: one at a time, none twice,
 * none again in the same run once it was declined, and after the fifth in ten minutes an offer to pause the package.
 * One desk per agent: it remembers across reloads.
 */
export function createQuestionDesk(port: QuestionPort, now: () => number = Date.now): QuestionPort {
  const asked = new Map<string, number[]>();
  const declined = new Set<string>();
  const paused = new Set<string>();
  let open: Promise<unknown> = Promise.resolve();

  const settled = (question: PermissionQuestion): PermissionAnswer | undefined =>
    paused.has(question.package) || declined.has(chainKey(question)) ? 'no' : undefined;

  const putOne = async (question: PermissionQuestion, signal: AbortSignal, isStillOpen: () => boolean): Promise<PermissionAnswer | undefined> => {
    // What was answered while this one waited may have answered it too.
    const before = settled(question);
    if (before !== undefined || signal.aborted) return before ?? 'no';
    if (!isStillOpen()) return undefined;
    const times = (asked.get(question.package) ?? []).filter((at) => now() - at < WINDOW_MS);
    const answer = await port.ask({ ...question, mayPause: times.length + 1 >= QUESTIONS_BEFORE_PAUSE }, signal, () => true);
    if (answer === undefined) return undefined; // nobody is there to be asked
    asked.set(question.package, [...times, now()]);
    if (answer === 'pause') paused.add(question.package);
    // Dismissed because the call was aborted is no word of the user's.
    if (answer === 'no' && !signal.aborted) declined.add(chainKey(question));
    return answer;
  };

  return {
    async ask(question, signal, isStillOpen) {
      const before = settled(question);
      if (before !== undefined) return before;
      const turn = open.then(() => putOne(question, signal, isStillOpen));
      open = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** One permission of one package in what one message of the user's set going. */
function chainKey({ package: name, permissions: [permission], chain }: PermissionQuestion): string {
  return `${name}\n${permission}\n${chain}`;
}
