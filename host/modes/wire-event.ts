import type { HostEvent } from '../host-event.ts';

/** An event as pi's clients read it: fragments carry what is new, not the answer so far, so a stream grows linearly. */
export function toWireEvent(event: HostEvent): object {
  if (event.type !== 'message_update') return event;
  const { partial, ...fragment } = event.assistantMessageEvent;
  const block = fragment.type === 'toolcall_start' ? partial.content[fragment.contentIndex] : undefined;
  const call = block?.type === 'toolCall' ? { id: block.id, toolName: block.name } : {};
  return { type: 'message_update', usage: event.message.usage, assistantMessageEvent: { ...fragment, ...call } };
}
