import { randomUUID } from 'node:crypto';

import { DashError, nearest, parsePermissionSet } from '../../format/index.ts';
import { assertNotDelegated, isDelegated } from '../../registry/index.ts';
import type { Denial, SandboxedPackage, ToolOutcome } from '../../sandbox/index.ts';
import type { DefineCommand } from '../command.ts';
import { collect } from '../collect-option.ts';
import { findTarget } from '../find-installed.ts';
import { openOne } from '../open-one.ts';
import { portsWithoutHost } from '../ports-without-host.ts';
import { manyLines, oneLine, type Style } from '../output/terminal.ts';
import { terminalQuestions } from '../terminal-questions.ts';

interface CallFlags {
  readonly package?: string;
  readonly timeout?: string;
  readonly grant: readonly string[];
}

export const define: DefineCommand = (command) => {
  command
    .argument('<tool>', 'the name of the tool')
    .argument('[arguments]', 'its arguments as JSON; default: {}')
    .option('--package <name|dir>', 'the package: installed, or a directory')
    .option('--timeout <ms>', 'how long it may take; default: 120000')
    .option('--grant <permission>', 'grant this for the call; may stand several times', collect, []);
  return async (invocation) => {
    const { signal, stdout, stderr, globals } = invocation;
    const [tool = '', json = '{}'] = command.args;
    const flags = command.opts<CallFlags>();
    if (flags.package === undefined) throw new DashError('USAGE', 'which package?', { hint: 'name it: `--package <name>` or `--package <dir>`' });
    if (flags.grant.length > 0) assertNotDelegated();
    const args = parseArguments(json);
    const timeoutMs = parseTimeout(flags.timeout);

    const denials: Denial[] = [];
    const updates: ToolOutcome[] = [];
    const notice = (text: string): void => {
      if (globals.quiet !== true) stderr.write(`${manyLines(text)}\n`);
    };
    const { installed, dir } = await findTarget(flags.package, invocation);
    await using opened = await openOne(installed, dir, {
      invocation,
      grants: parsePermissionSet(flags.grant),
      ports: portsWithoutHost(notice, invocation.canAsk ? await terminalQuestions(stderr) : undefined),
      onDenial: (denial) => denials.push(installed === undefined ? { ...denial, hint: grantHere(denial.hint) } : denial),
      notice,
    });
    const begin = performance.now();
    await opened.wake();
    assertTool(opened, tool);
    const { content, details, isError } = await opened.callTool(tool, args, {
      toolCallId: randomUUID(),
      signal,
      timeoutMs,
      onUpdate: (update) => updates.push(update),
      context: { mode: 'print', hasUI: false },
      // whoever types the command is the user, unless an agent's tool types it
      ...(isDelegated() ? {} : { origin: { chain: 'call', message: `dash call ${tool}`, sources: [] } }),
    });
    const durationMs = Math.round((performance.now() - begin) * 100) / 100;
    return {
      kind: 'document',
      document: { result: { content, details, isError }, updates, denials, durationMs },
      text: textOf({ content, details, isError }, denials, stdout.style),
      exitCode: isError ? 1 : 0,
    };
  };
};

/** A directory that is not installed has no grants to add to: what would allow the call is an option of it. */
function grantHere(hint: string): string {
  return hint.replace(/^dash permissions grant \S+ (?=')/, '--grant ');
}

function parseArguments(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DashError('USAGE', `the arguments are not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: 'quote them for the shell: `dash call forecast \'{"place": "Oslo"}\'`',
      cause,
    });
  }
}

function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeoutMs = Number(text);
  if (Number.isInteger(timeoutMs) && timeoutMs > 0) return timeoutMs;
  throw new DashError('USAGE', `\`--timeout ${text}\` is not a number of milliseconds`);
}

function assertTool(opened: SandboxedPackage, tool: string): void {
  const { name, registrations, lateTools } = opened;
  const names = [...registrations.tools, ...lateTools].map((one) => one.name);
  if (names.includes(tool)) return;
  const meant = nearest(tool, names);
  const known = names.length === 0 ? 'it has no tools at all' : `it has ${names.map((one) => `\`${one}\``).join(', ')}`;
  const mayHaveMore = opened.holds('tools:dynamic') || opened.canAskFor('tools:dynamic');
  throw new DashError('UNKNOWN_TOOL', `\`${name}\` has no tool \`${tool}\``, {
    hint: meant !== undefined ? `did you mean \`${meant}\`?` : mayHaveMore ? `${known}; more that it registers in an agent's session are there only` : known,
  });
}

/** A thrown error's place, which the sandbox read from the source map; a tool that answers by itself may write anything here. */
function placeIn(details: unknown): string {
  const { where } = (details ?? {}) as { where?: { path?: unknown; line?: unknown } };
  return typeof where?.path === 'string' && typeof where.line === 'number' ? ` at ${oneLine(where.path)}:${where.line}` : '';
}

/** What no command allows is said in words. */
function isCommand(hint: string): boolean {
  return /^(dash |--grant )/.test(hint);
}

/** A package that looks for its files everywhere is denied everywhere. */
const DENIALS_SHOWN = 5;

function textOf({ content, details, isError }: Pick<ToolOutcome, 'content' | 'details' | 'isError'>, denials: readonly Denial[], style: Style): string {
  const parts = content.map((part) => (part.type === 'text' && typeof part['text'] === 'string' ? manyLines(part['text']) : `[${part.type}]`));
  // the same refusal many times over is one thing to know
  const hints = new Map(denials.map(({ capability, target, hint }) => [hint, `${oneLine(capability)} ${oneLine(target)}`]));
  const denied = [...hints]
    .slice(0, DENIALS_SHOWN)
    .map(([hint, what]) => `${style.bad('denied')}: ${what}\n${style.strong('hint')}: ${isCommand(hint) ? `\`${oneLine(hint)}\` allows it` : oneLine(hint)}`);
  if (hints.size > DENIALS_SHOWN) denied.push(`${style.bad('denied')}: ${hints.size - DENIALS_SHOWN} more; \`dash audit log\` shows all of them`);
  return `${[...(isError ? [style.bad(`the tool answered with an error${placeIn(details)}`)] : []), ...parts, ...denied].join('\n')}\n`;
}
