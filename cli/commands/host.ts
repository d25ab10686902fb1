import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';

import { DashError, isDashError } from '../../format/index.ts';
import {
  APPROVAL_MODES,
  type ApprovalMode,
  createEventStore,
  createHost,
  findSession,
  type ImageContent,
  imageSize,
  listSessions,
  openModels,
  readSettings,
  runJson,
  runPrint,
  runReadline,
  runRpc,
  type SessionChoice,
  THINKING_LEVELS,
  type ThinkingLevel,
} from '../../host/index.ts';
import { isDelegated, readProfile, waiting } from '../../registry/index.ts';
import { bundledSkills } from '../read-skills.ts';
import { chooseSession } from '../choose-session.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { dollars, oneOf } from '../host-flags.ts';
import { openPackages } from '../open-packages.ts';
import { trustPrompt } from '../trust-prompt.ts';

interface HostFlags {
  readonly print?: string | true;
  readonly mode?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly models?: string;
  readonly thinking?: string;
  readonly maxCost?: string;
  readonly tools?: string;
  readonly approve?: string;
  readonly strictShell?: boolean;
  readonly continue?: boolean;
  readonly resume?: string | true;
  readonly fork?: string;
  /** A path, or `false` under `--no-session`. */
  readonly session?: string | boolean;
  readonly systemPrompt?: string;
  readonly appendSystemPrompt?: string;
  readonly trustProject?: boolean;
  readonly extensions?: boolean;
}

export const define: DefineCommand = (command) => {
  command
    .argument('[words...]', 'a prompt; `@file` puts a file into it')
    .option('-p, --print [prompt]', 'answer one prompt and end')
    .option('--mode <mode>', '`rpc` serves records on stdin and stdout, `json` prints every event, `plain` is a terminal without a screen')
    .option('--model <model>', '`provider/id`, `auto`, `auto:provider/id,provider/id`, or `scripted:FILE`')
    .option('--models <patterns>', 'only these are cycled through, separated by commas: `anthropic/*`, `gpt-5:high`')
    .option('--provider <provider>', 'whose `--model` it is')
    .option('--thinking <level>', THINKING_LEVELS.join(', '))
    .option('--max-cost <dollars>', 'no request begins once the session has cost so much')
    .option('--tools <names>', 'only these tools, separated by commas')
    .option('--approve <mode>', `what needs no question: ${APPROVAL_MODES.join(', ')}`)
    .option('--strict-shell', 'commands may not write what git keeps and runs later: package.json, AGENTS.md, workflows')
    .option('--continue', 'go on with the newest session of this directory')
    .option('--resume [session]', 'go on with a session that you choose')
    .option('--session <session>', 'go on with this session: the beginning of its id, or a path')
    .option('--fork <session>', 'go on with a copy of this session')
    .option('--no-session', 'keep the session in memory only')
    .option('--system-prompt <text>', 'instead of the usual one')
    .option('--append-system-prompt <text>', 'after the usual one')
    .option('--no-extensions', 'load no packages');
  return async (invocation) => {
    const { cwd, home, env, signal, globals, stderr } = invocation;
    const flags = command.opts<HostFlags>();
    const mode = modeOf(flags, invocation);
    const { prompt, images } = mode === 'rpc' || isAtTerminal(mode) ? NO_PROMPT : await readPrompt(command.args, flags, cwd);

    const { settings } = await readSettings(home);
    const model = flags.provider === undefined ? flags.model : `${flags.provider}/${flags.model ?? ''}`;
    const models = await openModels({ reference: model ?? settings.model, dashHome: home, env });
    await using eventStore = createEventStore(home, (error) => {
      stderr.write(`warning: what happens is not counted: ${error instanceof Error ? error.message : String(error)}\n`);
    });
    if (flags.extensions !== false) await offerLoose(mode, invocation);
    let denials = 0;
    await using packages = await openPackages(invocation, {
      none: flags.extensions === false,
      onRecord(record) {
        eventStore.decided(record);
        // the answer to a question is a record of its own beside the decision
        if (record['event.name'] === 'decision' && record.decision === 'deny') denials += 1;
      },
    });
    await using host = await createHost({
      cwd,
      dashHome: home,
      env,
      models,
      model,
      scope: flags.models?.split(','),
      thinking: oneOf<ThinkingLevel>('--thinking', flags.thinking, THINKING_LEVELS),
      maxCost: dollars(flags.maxCost),
      tools: flags.tools?.split(',').filter((name) => name !== ''),
      approval: oneOf<ApprovalMode>('--approve', flags.approve, APPROVAL_MODES) ?? (isAtTerminal(mode) ? 'task' : undefined),
      session: await sessionOf(flags, invocation),
      customPrompt: flags.systemPrompt,
      appendSystemPrompt: flags.appendSystemPrompt,
      strictShell: flags.strictShell,
      trustProject: flags.trustProject,
      // an agent's own tool could sit before a terminal too
      ...(isAtTerminal(mode) && invocation.canAsk && !isDelegated(env) ? { askTrust: trustPrompt(stderr) } : {}),
      bundledSkills: bundledSkills(),
      readPackages: packages.read,
      openPackage: packages.open,
      audit: packages.audit,
      eventStore,
      auditHead: packages.auditHead,
    });
    signal.addEventListener('abort', () => void host.conversation.abort());
    // a screen says it by itself
    if (mode === 'plain' || mode === 'print') await sayWhatWaits(invocation);

    // A screen knows by itself that its terminal is gone, and ends the session in order.
    if (mode !== 'terminal') endQuietlyWhenNobodyReads();
    switch (mode) {
      case 'rpc':
        signal.addEventListener('abort', () => process.stdin.destroy());
        return { kind: 'streamed', exitCode: await runRpc(host, { input: process.stdin, output: process.stdout, hasUI: globals.input }) };
      case 'json':
        return { kind: 'streamed', exitCode: await runJson(host, { prompt, images, output: process.stdout, errors: process.stderr }) };
      case 'print':
        return { kind: 'streamed', exitCode: await runPrint(host, { prompt, images, output: process.stdout, errors: process.stderr }) };
      case 'plain':
        return { kind: 'streamed', exitCode: await runReadline(host, { input: process.stdin, output: process.stdout }) };
      case 'terminal': {
        // What draws a screen is loaded where there is one.
        const { runInteractive } = await import('../../host/modes/interactive/index.ts');
        const [{ profile }, { createHousehold }] = await Promise.all([readProfile(home), import('../household.ts')]);
        return {
          kind: 'streamed',
          exitCode: await runInteractive(host, {
            input: process.stdin,
            output: process.stdout,
            env,
            profile,
            denials: () => denials,
            household: createHousehold(invocation),
            signal,
          }),
        };
      }
    }
  };
};

/** `dash -p … | head -1` closes the pipe while we write; that is no failure. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** What lies in the folders for extensions is loaded once somebody said so; hardly anybody has such a folder. */
async function offerLoose(mode: Mode, invocation: Invocation): Promise<void> {
  const { home, cwd, canAsk } = invocation;
  if (![join(home, 'extensions'), join(cwd, '.dash', 'extensions')].some((folder) => existsSync(folder))) return;
  if (!isAtTerminal(mode) && mode !== 'print') return;
  const { askAboutLoose, offerLooseExtensions } = await import('../loose-extensions.ts');
  await offerLooseExtensions(invocation, isAtTerminal(mode) && canAsk ? (folder) => askAboutLoose(folder, invocation) : undefined);
}

/** New versions that nobody looked at do not run; that they are there is said once, at the start. */
async function sayWhatWaits({ home, cwd, globals, stderr }: Invocation): Promise<void> {
  if (globals.quiet === true) return;
  const updates = await waiting(home, [{ kind: 'user' }, { kind: 'project', dir: cwd }]);
  if (updates.length === 0) return;
  stderr.write(
    `${updates.length === 1 ? '1 update waits' : `${updates.length} updates wait`} for you: \`dash update\` shows why, \`dash update --accept\` takes ${updates.length === 1 ? 'it' : 'them'}\n`,
  );
}

/** Whether somebody is there who types. */
function isAtTerminal(mode: Mode): boolean {
  return mode === 'terminal' || mode === 'plain';
}

type Mode = 'rpc' | 'json' | 'print' | 'plain' | 'terminal';

function modeOf(flags: HostFlags, { globals }: Invocation): Mode {
  const named = oneOf<'rpc' | 'json' | 'plain'>('--mode', flags.mode, ['rpc', 'json', 'plain']);
  if (named !== undefined) return named;
  if (globals.json === true) return 'json';
  if (flags.print !== undefined || process.stdin.isTTY !== true) return 'print';
  if (!globals.input) throw new DashError('INPUT_REQUIRED', 'the agent waits for prompts on the terminal', { hint: 'give it one: `dash -p "…"`' });
  return process.env['TERM'] === 'dumb' || process.stdout.isTTY !== true ? 'plain' : 'terminal';
}

interface TypedPrompt {
  readonly prompt: string;
  readonly images: readonly ImageContent[];
}

const NO_PROMPT: TypedPrompt = { prompt: '', images: [] };

async function readPrompt(words: readonly string[], flags: HostFlags, cwd: string): Promise<TypedPrompt> {
  const typed = [...(typeof flags.print === 'string' ? [flags.print] : []), ...words];
  const read = async (word: string): Promise<Attached> => (word.startsWith('@') ? readAttached(resolve(cwd, word.slice(1))) : { text: word });
  const parts = await Promise.all(typed.map(read));
  const piped = process.stdin.isTTY === true ? '' : (await readAll(process.stdin)).trim();
  const prompt = [...(piped === '' ? [] : [piped]), ...parts.map(({ text }) => text)].join('\n\n').trim();
  if (prompt === '') throw new DashError('INPUT_REQUIRED', 'there is no prompt', { hint: 'give one: `dash -p "…"`, or pipe it in' });
  return { prompt, images: parts.flatMap(({ image }) => image ?? []) };
}

interface Attached {
  readonly text: string;
  readonly image?: ImageContent;
}

/** A text goes into the prompt, an image beside it: by what it is, and not by its name. */
async function readAttached(path: string): Promise<Attached> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DashError('USAGE', `\`@${path}\` cannot be read`, { hint: 'name an existing file after the `@`', cause });
  });
  const size = imageSize(bytes);
  if (size !== undefined)
    return { text: `<file path="${path}">an image</file>`, image: { type: 'image', data: bytes.toString('base64'), mimeType: size.mimeType } };
  if (bytes.subarray(0, 8000).includes(0)) {
    throw new DashError('USAGE', `\`@${path}\` is neither text nor an image that models are sent`, { hint: 'say where it is, and let the agent look into it' });
  }
  return { text: `<file path="${path}">\n${bytes.toString('utf8')}\n</file>` };
}

async function sessionOf(flags: HostFlags, { home, cwd, stdout, canAsk }: Invocation): Promise<SessionChoice> {
  const find = (reference: string | undefined): Promise<string> => findSession(reference, { dashHome: home, cwd });
  if (flags.session === false) return { kind: 'memory' };
  if (typeof flags.session === 'string') return { kind: 'open', path: await find(flags.session) };
  if (flags.fork !== undefined) return { kind: 'fork', path: await find(flags.fork) };
  if (flags.resume === true) return { kind: 'open', path: await chooseSession(await listSessions(home, cwd), { canAsk, style: stdout.style }) };
  if (flags.resume !== undefined) return { kind: 'open', path: await find(flags.resume) };
  if (flags.continue !== true) return { kind: 'new' };
  return find(undefined).then(
    (path): SessionChoice => ({ kind: 'open', path }),
    (error: unknown) => {
      if (isDashError(error, 'SESSION_NOT_FOUND')) return { kind: 'new' };
      throw error;
    },
  );
}
