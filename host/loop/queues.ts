import type { AgentMessage } from './transcript.ts';

/** How many waiting messages one safe point takes. */
export type QueueMode = 'one-at-a-time' | 'all';

/** The messages that wait for a run: to steer it at its next safe point, or to follow it. */
export interface Queues {
  steeringMode: QueueMode;
  followUpMode: QueueMode;
  steer(message: AgentMessage): void;
  followUp(message: AgentMessage): void;
  takeSteering(): AgentMessage[];
  takeFollowUps(): AgentMessage[];
  /** Empties both queues and gives back what was in them. */
  clear(): WaitingMessages;
  waiting(): WaitingMessages;
}

export interface WaitingMessages {
  readonly steering: readonly AgentMessage[];
  readonly followUp: readonly AgentMessage[];
}

/** Makes empty queues; `changed` is told of every change. */
export function createQueues(changed: () => void = () => undefined): Queues {
  let steering: AgentMessage[] = [];
  let followUp: AgentMessage[] = [];
  const queues: Queues = {
    steeringMode: 'one-at-a-time',
    followUpMode: 'one-at-a-time',
    steer(message) {
      steering.push(message);
      changed();
    },
    followUp(message) {
      followUp.push(message);
      changed();
    },
    takeSteering() {
      const taken = steering.splice(0, queues.steeringMode === 'all' ? steering.length : 1);
      if (taken.length > 0) changed();
      return taken;
    },
    takeFollowUps() {
      const taken = followUp.splice(0, queues.followUpMode === 'all' ? followUp.length : 1);
      if (taken.length > 0) changed();
      return taken;
    },
    clear() {
      const waiting = { steering, followUp };
      steering = [];
      followUp = [];
      changed();
      return waiting;
    },
    waiting: () => ({ steering: [...steering], followUp: [...followUp] }),
  };
  return queues;
}
