import { ANSWERS } from './answers.ts';
import { ENDLESS, FLOODS } from './exhaustion.ts';
import { FURTHER_ADDRESSES, FURTHER_ENVIRONMENT, FURTHER_ESCAPES, FURTHER_PROGRAMS, FURTHER_READS, FURTHER_WRITES } from './reaching-further.ts';
import { ADDRESSES, ENVIRONMENT, ESCAPES, FILES_READ, FILES_WRITE, PROGRAMS, TOOLS } from './reaching.ts';

/** What a class of attacks is after, and what running it does not show. */
export interface AttackClass {
  readonly id: 'escape' | 'read' | 'write' | 'network' | 'environment' | 'programs' | 'tools' | 'answers' | 'endless' | 'flood';
  readonly title: string;
  readonly notCovered: string;
  /** Body of a tool by what it does. */
  readonly programs: Readonly<Record<string, string>>;
  /** Deadline of a call: what has no end is given little, what fills something is given time to fill it. */
  readonly timeoutMs: number;
}

/** One hostile program: a mechanism, as the body of a tool's `execute(id, params, signal, onUpdate, ctx)`. */
export interface AttackProgram {
  readonly of: AttackClass;
  readonly name: string;
  readonly body: string;
}

/** The classes of the suite that runs on a user's machine, in its order. */
export const ATTACK_CLASSES: readonly AttackClass[] = [
  {
    id: 'escape',
    title: 'out of the isolate',
    notCovered: 'a bug in V8 itself: the process around it is for that',
    programs: { ...ESCAPES, ...FURTHER_ESCAPES },
    timeoutMs: 3_000,
  },
  {
    id: 'read',
    title: 'files that were not granted',
    notCovered: 'races of other programs where there is no `/proc`',
    programs: { ...FILES_READ, ...FURTHER_READS },
    timeoutMs: 3_000,
  },
  {
    id: 'write',
    title: 'changes outside of the workspace',
    notCovered: 'what was granted: a package may spoil what it may write',
    programs: { ...FILES_WRITE, ...FURTHER_WRITES },
    timeoutMs: 3_000,
  },
  {
    id: 'network',
    title: 'servers on this machine',
    notCovered: 'names that change their address meanwhile: a test of the repository has a name server of its own',
    programs: { ...ADDRESSES, ...FURTHER_ADDRESSES },
    timeoutMs: 3_000,
  },
  {
    id: 'environment',
    title: 'variables of the agent',
    notCovered: 'variables that were granted',
    programs: { ...ENVIRONMENT, ...FURTHER_ENVIRONMENT },
    timeoutMs: 3_000,
  },
  {
    id: 'programs',
    title: 'programs',
    notCovered: 'confined programs: `dash sandbox layers` tries what holds them',
    programs: { ...PROGRAMS, ...FURTHER_PROGRAMS },
    timeoutMs: 3_000,
  },
  {
    id: 'tools',
    title: 'tools of others',
    notCovered: 'what a tool does that was granted: it happens within the rights of both',
    programs: TOOLS,
    timeoutMs: 3_000,
  },
  { id: 'answers', title: 'hostile answers', notCovered: 'what an answer says to the model', programs: ANSWERS, timeoutMs: 3_000 },
  { id: 'endless', title: 'work without an end', notCovered: 'the time of a processor until the deadline', programs: ENDLESS, timeoutMs: 250 },
  { id: 'flood', title: 'memory, pipes and tables filled', notCovered: 'memory up to the limit of one package', programs: FLOODS, timeoutMs: 2_000 },
];

/** Every program of the suite. */
export const ATTACK_PROGRAMS: readonly AttackProgram[] = ATTACK_CLASSES.flatMap((of) =>
  Object.entries(of.programs).map(([name, body]) => ({ of, name, body })),
);
