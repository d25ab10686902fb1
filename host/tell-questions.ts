import type { HostEvent } from './host-event.ts';
import type { UserInterface } from './user-interface.ts';

const QUESTIONS: ReadonlySet<PropertyKey> = new Set<keyof UserInterface>(['select', 'confirm', 'input', 'editor', 'askPermission', 'approveTool', 'askServer']);

/**
 * The same user, with word of when they are asked something and when they have answered: whoever watches sees who waits
 * for whom. A proxy, so that it has whatever the mode's own object has.
 */
export function tellQuestions(ui: UserInterface, tell: (event: Extract<HostEvent, { readonly type: 'user_asked' | 'user_answered' }>) => void): UserInterface {
  return new Proxy(ui, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function') return value;
      if (!QUESTIONS.has(member)) return value.bind(target);
      return async (...question: readonly unknown[]): Promise<unknown> => {
        if (!target.hasUI) return Reflect.apply(value, target, question);
        tell({ type: 'user_asked' });
        try {
          return await Reflect.apply(value, target, question);
        } finally {
          tell({ type: 'user_answered' });
        }
      };
    },
  });
}
