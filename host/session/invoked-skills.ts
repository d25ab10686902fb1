import { textOf, toolCallsOf } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';

/** The text of a skill as it stands in a conversation since the user started it. */
export interface InvokedSkill {
  readonly location: string;
  /** From `<skill …>` to `</skill>`. */
  readonly text: string;
}

// `skillInvocation` writes it, and nothing of a skill can close it early
const BLOCK = /<skill name="[^"\n]*" location="([^"\n]*)" origin="[^"\n]*">\n[^]*?\n<\/skill>/g;

/** The text of the skill in a file, wrapped as if the user had started it; `undefined` for a file that is none. */
export type SkillAt = (path: string) => string | undefined;

/**
 * The skills that the user started in `messages` or that the model opened to follow them, and those that an earlier summary
 * carries; of one, the newest text.
 */
export function invokedSkills(messages: readonly AgentMessage[], previousSummary = '', skillAt: SkillAt = () => undefined): readonly InvokedSkill[] {
  const newest = new Map<string, string>();
  const add = (block: string): void => {
    const location = / location="([^"\n]*)"/.exec(block)?.[1] ?? '';
    // put at the end: newer than those before it
    newest.delete(location);
    newest.set(location, block);
  };
  for (const [block] of previousSummary.matchAll(BLOCK)) add(block);
  for (const message of messages) {
    const block = message.role === 'user' ? skillOf(message) : '';
    if (block !== '') add(block);
    for (const opened of openedBy(message, skillAt)) add(opened);
  }
  return [...newest].map(([location, text]) => ({ location, text }));
}

/** Tells whether the model has this text of a skill before it, as the user's or as what a summary carries. */
export function isInContext(text: string, messages: readonly AgentMessage[]): boolean {
  return messages.some((message) =>
    message.role === 'user' ? skillOf(message) === text : message.role === 'compactionSummary' && message.summary.includes(text),
  );
}

/** Takes skills out of what is to be summed up: they are carried along word for word. */
export function withoutSkillTexts(text: string): string {
  return text.replaceAll(BLOCK, (_, location: string) => `[the skill at ${location}]`);
}

/** What a model wrote, which can have been told to: a skill in it would be carried along as one that the user started. */
export function withoutSkillTags(text: string): string {
  return text.replaceAll(/<(?=\/?skill\b)/gi, '&lt;');
}

/**
 * The skills as the end of a summary, the newest first to find room in `maxCharacters`. What finds none is named, to be
 * read again.
 */
export function skillsAsText(skills: readonly InvokedSkill[], maxCharacters: number): string {
  let room = maxCharacters;
  const carried = new Set<InvokedSkill>();
  for (const skill of skills.toReversed()) {
    if (skill.text.length > room) continue;
    room -= skill.text.length;
    carried.add(skill);
  }
  const left = skills.filter((skill) => !carried.has(skill)).map(({ location }) => location);
  const parts = [
    ...(carried.size === 0 ? [] : ['These skills were started; they still apply:', ...skills.filter((skill) => carried.has(skill)).map(({ text }) => text)]),
    ...(left.length === 0 ? [] : [`These skills were started, too; read them again before going on with what they are for:\n${left.join('\n')}`]),
  ];
  return parts.map((part) => `\n\n${part}`).join('');
}

function openedBy(message: AgentMessage, skillAt: SkillAt): readonly string[] {
  if (message.role !== 'assistant') return [];
  return toolCallsOf(message).flatMap(({ name, arguments: { path } }) => (name === 'read' && typeof path === 'string' ? (skillAt(path) ?? []) : []));
}

/** The skill that a message of the user begins with; what is pasted further down is no skill. */
function skillOf(message: Extract<AgentMessage, { role: 'user' }>): string {
  const text = textOf(message.content);
  const [first] = text.matchAll(BLOCK);
  return first?.index === 0 ? first[0] : '';
}
