import { DashError, plainText } from '../format/index.ts';
import type { CommandHost } from './commands/index.ts';
import type { Conversation } from './conversation/conversation.ts';
import { describe, mustBeSaid } from './describe-diagnostic.ts';
import { exportHtml } from './export/export-html.ts';
import { chooseModel } from './model/choose-model.ts';
import { textOf } from './model/messages.ts';
import type { ModelInfo } from './model/port.ts';
import type { Reloaded } from './packages/reload.ts';
import type { SessionSwitch } from './session-control.ts';
import type { SessionEntry } from './session/entry.ts';
import { sessionStats } from './session/session-stats.ts';
import { findSession, listSessions } from './session/session-library.ts';
import type { SessionTree, TreeNode } from './session/session-tree.ts';
import { terminalText } from './terminal-text.ts';
import type { UserInterface } from './user-interface.ts';

export interface CommandHostOptions {
  readonly conversation: Conversation;
  readonly sessions: SessionSwitch;
  readonly models: () => readonly ModelInfo[];
  readonly dashHome: string;
  readonly cwd: string;
  readonly ui: () => UserInterface;
  readonly reload: () => Promise<Reloaded>;
  readonly rename: (name: string) => void;
}

/** What the slash commands of the host do, each with an answer for the user. */
export function createCommandHost({ conversation, sessions, models, dashHome, cwd, ui, reload, rename: setName }: CommandHostOptions): CommandHost {
  return {
    async reload() {
      const { generation, changed, diagnostics } = await reload();
      const problems = diagnostics.filter(mustBeSaid).map(describe);
      return [`reloaded: generation ${generation}, ${changed.length === 0 ? 'nothing changed' : `changed ${changed.join(', ')}`}`, ...problems].join('\n');
    },
    async newSession() {
      return (await sessions.newSession()).cancelled ? 'a package kept this session open' : `new session ${conversation.session.id}`;
    },
    rename(name) {
      if (name.trim() === '') return conversation.session.tree.name ?? 'this session has no name';
      setName(name);
      return `this session is now \`${conversation.session.tree.name}\``;
    },
    chooseModel(reference) {
      if (reference !== '') conversation.setModel(chooseModel(models(), reference));
      return conversation.model === undefined ? 'no model' : `${conversation.model.provider}/${conversation.model.id}`;
    },
    async compact(instructions) {
      const result = await conversation.compact(instructions);
      return result === undefined ? 'nothing was changed' : `summed up: ${result.tokensBefore} tokens are now about ${result.estimatedTokensAfter}`;
    },
    exportHtml: async (path) => `written to ${await exportHtml(conversation.session.tree, path === '' ? undefined : path, cwd)}`,
    async tree(entryId, how) {
      const { tree } = conversation.session;
      if (entryId === '') return saidInTree(tree);
      const { cancelled } = await sessions.navigate(entryIn(tree, entryId).id, how);
      return cancelled ? 'nothing was changed' : 'went back; what you say now begins another branch';
    },
    async fork(entryId) {
      if (entryId === '') return saidInTree(conversation.session.tree);
      const { cancelled, text } = await sessions.fork(entryIn(conversation.session.tree, entryId).id, 'before');
      if (cancelled) return 'a package kept this session open';
      ui().set({ kind: 'editorText', text, paste: false });
      return `forked into session ${conversation.session.id}`;
    },
    async clone() {
      const { leafId } = conversation.session.tree;
      if (leafId === null) return 'there is nothing in this session yet';
      return (await sessions.fork(leafId, 'at')).cancelled ? 'a package kept this session open' : `copied into session ${conversation.session.id}`;
    },
    async resume(reference) {
      if (reference !== '') {
        const { cancelled } = await sessions.open(await findSession(reference, { dashHome, cwd: cwd }));
        return cancelled ? 'a package kept this session open' : `${conversation.session.id}: ${conversation.messages.length} messages`;
      }
      const known = await listSessions(dashHome, cwd);
      return known
        .map(({ id, updatedAt, name, firstMessage }) => `${id.slice(0, 8)}  ${updatedAt.slice(0, 16)}  ${firstLine(name ?? firstMessage)}`)
        .join('\n');
    },
    modelChoices: () => models().map(({ provider, id, name }) => ({ word: `${provider}/${id}`, about: name })),
    async sessionChoices() {
      const known = await listSessions(dashHome, cwd);
      return known.map(({ id, name, firstMessage }) => ({ word: id, about: terminalText(firstLine(name ?? firstMessage)) }));
    },
    describeSession: () => describeSession(conversation),
  };
}

/** Where it is written and how long it is, and what all its branches took. */
function describeSession({ session, messages }: Conversation): string {
  const { toolCalls, tokens, cost } = sessionStats(session.tree.entries);
  const { input, output, cacheRead, cacheWrite } = tokens;
  const cached = cacheRead + cacheWrite === 0 ? '' : `, ${cacheRead} read from the cache and ${cacheWrite} written to it`;
  return [
    `${session.file ?? 'not written to a file'}: ${messages.length} messages`,
    `with all branches: tool calls ${toolCalls}, tokens ${input} in and ${output} out${cached}, $${cost.toFixed(3)}`,
  ].join('\n');
}

/** What the user said in a session, the branches as steps; the entry that a name begins. */
function saidInTree(tree: SessionTree): string {
  const onBranch = new Set(tree.branch().map(({ id }) => id));
  const lines: string[] = [];
  // Not by calls of itself: a session of ten thousand entries is a tree ten thousand deep.
  const waiting = tree.roots().map((node): [TreeNode, number] => [node, 0]);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [{ entry, children, label }, depth] = next;
    const said = entry.type === 'message' && entry.message.role === 'user' ? firstLine(textOf(entry.message.content)) : undefined;
    if (said !== undefined)
      lines.push(`${onBranch.has(entry.id) ? '*' : ' '} ${'  '.repeat(depth)}${entry.id}  ${said}${label === undefined ? '' : ` [${plainText(label, 60)}]`}`);
    waiting.unshift(...children.map((child): [TreeNode, number] => [child, depth + (children.length > 1 ? 1 : 0)]));
  }
  return lines.length === 0 ? 'nothing was said in this session yet' : lines.join('\n');
}

function entryIn(tree: SessionTree, name: string): SessionEntry {
  const [entry, ...others] = tree.entries.filter(({ id }) => id.startsWith(name));
  if (entry !== undefined && (others.length === 0 || entry.id === name)) return entry;
  throw new DashError('USAGE', entry === undefined ? `there is no entry \`${name}\`` : `several entries begin with \`${name}\``, {
    hint: '`/tree` lists them',
  });
}

function firstLine(text: string): string {
  return (text.trim().split('\n', 1)[0] ?? '').slice(0, 80);
}
