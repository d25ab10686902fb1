import { Announcement, withinString } from '../announcement.ts';
import type { ToGuest } from '../protocol.ts';

/**
 * The line that brings a message to the guest: JSON within JSON, because the process hands on what it does not read.
 * What is told to fifty packages is put between what differs, as it was written for the first of them.
 */
export function tellLine(message: ToGuest): string {
  if (message.kind !== 'call' || message.call.op !== 'event' || !(message.call.event instanceof Announcement))
    return `${JSON.stringify({ kind: 'tell', text: JSON.stringify(message) })}\n`;
  const { id, call, context } = message;
  return `${ID}${id}${HANDLER}${call.handler}${EVENT}${message.call.event.quoted}${CONTEXT}${withinString(JSON.stringify(context))}${END}`;
}

const ID = `{"kind":"tell","text":"${withinString('{"kind":"call","id":')}`;
const HANDLER = withinString(',"call":{"op":"event","handler":');
const EVENT = withinString(',"quiet":true,"event":');
const CONTEXT = withinString('},"context":');
const END = `${withinString('}')}"}\n`;
