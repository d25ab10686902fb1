import type { PlanEntry } from '@agentclientprotocol/sdk';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { plainText } from '../../../format/index.ts';

/** One thing to do, as the tools of packages write it: pi's own example says `text` and `done`, others `content` and `status`. */
const Item = Type.Object({
  text: Type.Optional(Type.String()),
  content: Type.Optional(Type.String()),
  title: Type.Optional(Type.String()),
  step: Type.Optional(Type.String()),
  done: Type.Optional(Type.Boolean()),
  status: Type.Optional(Type.String()),
  priority: Type.Optional(Type.Union([Type.Literal('high'), Type.Literal('medium'), Type.Literal('low')])),
});
const WithPlan = Type.Union([Type.Object({ plan: Type.Array(Type.Unknown()) }), Type.Object({ todos: Type.Array(Type.Unknown()) })]);

const MAX_ENTRIES = 200;
const MAX_WORDS = 500;

/**
 * The plan that a tool gives in the `details` of its answer, as a list called `plan` or `todos`; `undefined` where there is
 * none. Items without words are none. It is only shown: nothing is decided by it.
 */
export function planOf(details: unknown): PlanEntry[] | undefined {
  if (!Value.Check(WithPlan, details)) return undefined;
  const items = 'plan' in details ? details.plan : details.todos;
  const entries = items.slice(0, MAX_ENTRIES).flatMap((item) => (Value.Check(Item, item) ? entryOf(item) : []));
  // a list of something else that bears the name
  return entries.length === 0 && items.length > 0 ? undefined : entries;
}

function entryOf({ text, content, title, step, done, status, priority = 'medium' }: Static<typeof Item>): PlanEntry[] {
  const words = plainText(content ?? text ?? title ?? step ?? '', MAX_WORDS).trim();
  return words === '' ? [] : [{ content: words, priority, status: done === true ? 'completed' : statusOf(status) }];
}

function statusOf(status: string | undefined): PlanEntry['status'] {
  if (/^(completed?|done|finished)$/i.test(status ?? '')) return 'completed';
  return /^(in[_ -]?progress|active|doing|current)$/i.test(status ?? '') ? 'in_progress' : 'pending';
}
