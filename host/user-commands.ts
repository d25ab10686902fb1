import type { Conversation } from './conversation/conversation.ts';
import type { EventBus } from './bus/event-bus.ts';
import type { BashOptions } from './host-options.ts';
import type { HostEvent } from './host-event.ts';
import type { BashResult, UserBash } from './user-bash.ts';

export interface UserCommandsOptions {
  readonly bash: UserBash;
  readonly bus: EventBus;
  readonly cwd: string;
  readonly conversation: Conversation;
  readonly emit: (event: HostEvent) => Promise<void>;
}

/** Commands that the user types, as parts of the conversation. */
export interface UserCommands {
  run(command: string, options?: BashOptions): Promise<BashResult>;
  abort(): void;
  /** Waits until everything that was begun stands in the session. */
  settled(): Promise<void>;
}

/** Runs commands of the user's where packages may answer them first, and adds them to the conversation. */
export function createUserCommands({ bash, bus, cwd, conversation, emit }: UserCommandsOptions): UserCommands {
  const running = new Set<Promise<unknown>>();
  const runsToItsEnd = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = work();
    const settled = result.catch(() => undefined).finally(() => running.delete(settled));
    running.add(settled);
    return result;
  };
  return {
    async run(command, { excludeFromContext = false, id } = {}) {
      const decision = await bus.userBash(command, excludeFromContext, cwd);
      if (decision.kind === 'blocked') throw new Error(decision.reason);
      return runsToItsEnd(async () => {
        const result =
          decision.kind === 'answered'
            ? { ...decision.result, exitCode: decision.result.exitCode }
            : await bash.run(command, (delta) => void emit({ type: 'bash_execution_update', delta, ...(id === undefined ? {} : { id }) }));
        conversation.addBash({ role: 'bashExecution', command, ...result, ...(excludeFromContext ? { excludeFromContext } : {}), timestamp: Date.now() });
        return result;
      });
    },
    abort: () => bash.abort(),
    async settled() {
      await Promise.all(running);
    },
  };
}
