import { homedir } from 'node:os';
import { isDashError } from '../../../../format/index.ts';
import { deleteUnusedSession } from '../../../events/session-in-use.ts';
import { listSessions, renameSession, type SessionSummary } from '../../../session/session-library.ts';
import { inputPanel, selectPanel } from '../dialogs.ts';
import { firstLine } from '../first-line.ts';
import { pick } from '../search-panel.ts';
import { warnOfOthers } from '../warn-of-others.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const resume: ScreenCommand = {
  name: 'resume',
  description: 'go on with another session of this directory; name sessions, and delete them',
  action: 'app.session.resume',
  async run(_words, context) {
    const { host, screen, say } = context;
    const chosen = await screen.series(() => chooseOther(context));
    if (chosen === undefined) return;
    if ((await host.sessions.open(chosen.path)).cancelled) return say('a package kept this session open', 'warning');
    warnOfOthers(context);
  },
};

async function chooseOther(context: CommandContext): Promise<SessionSummary | undefined> {
  const { host, say } = context;
  for (let at = 0; ;) {
    const sessions = (await listSessions(host.dashHome, host.cwd)).filter((one) => one.path !== host.conversation.session.file && isWorthGoingTo(one));
    if (sessions.length === 0) {
      say('there is no other session of this directory');
      return undefined;
    }
    const picked = await pick(context, {
      title: 'go on with which session?',
      selected: at,
      keys: [
        ['ctrl+r', 'names'],
        ['ctrl+d', 'deletes'],
      ],
      choices: sessions.map((value) => ({ value, label: titleOf(value), description: describe(value, host.cwd) })),
    });
    if (picked === undefined) return undefined;
    const { key, value: session } = picked;
    at = sessions.indexOf(session);
    if (key === 'ctrl+r') await name(session, context);
    else if (key === 'ctrl+d') await remove(session, context);
    else return session;
  }
}

/** One in which only a model was chosen is nothing to go on with. */
function isWorthGoingTo({ messages, name: given }: SessionSummary): boolean {
  return messages > 0 || given !== undefined;
}

async function name(session: SessionSummary, { screen, palette }: CommandContext): Promise<void> {
  const title = `what is \`${titleOf(session)}\` called?`;
  const typed = (await screen.modal<string>((done) => inputPanel(title, 'empty: as it is', palette, done)))?.trim();
  if (typed !== undefined && typed !== '') await renameSession(session.path, typed);
}

/** Nobody can bring it back: no comes first, and enter alone deletes nothing. */
async function remove(session: SessionSummary, { host, screen, palette, say }: CommandContext): Promise<void> {
  const title = `delete \`${titleOf(session)}\`, ${messagesOf(session)}, for good?`;
  const choices = [
    { value: 'no', label: 'no' },
    { value: 'yes', label: 'yes, delete its file' },
  ];
  if ((await screen.modal<string>((done) => selectPanel(title, choices, palette, done))) !== 'yes') return;
  try {
    await deleteUnusedSession(host.dashHome, session.id);
  } catch (error) {
    if (!isDashError(error, 'SESSION_IN_USE')) throw error;
    return say(`\`${titleOf(session)}\` stays: ${error.message}; ${error.hint}`, 'warning');
  }
  say(`deleted \`${titleOf(session)}\``, 'muted');
}

function titleOf({ name: given, firstMessage }: SessionSummary): string {
  return firstLine(given ?? firstMessage) || '(nothing was said)';
}

function messagesOf({ messages }: SessionSummary): string {
  return `${messages} message${messages === 1 ? '' : 's'}`;
}

/** What tells it from others of the same title, the most telling first: a narrow terminal shows the beginning. */
function describe(session: SessionSummary, here: string): string {
  const { cwd, name: given, firstMessage, lastMessage, updatedAt } = session;
  const [first, last] = [firstLine(firstMessage), firstLine(lastMessage)];
  return [
    ago(Date.now() - Date.parse(updatedAt)),
    messagesOf(session),
    ...(given !== undefined && first !== '' ? [`“${first}”`] : []),
    ...(last !== '' && last !== first ? [`lastly “${last}”`] : []),
    ...(cwd === here ? [] : [cwd.replace(homedir(), '~')]),
  ].join(' · ');
}

/** How long ago that was, as one would say it. */
function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(minutes / (24 * 60))} days ago`;
}
