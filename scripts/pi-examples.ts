import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHost, type HostEvent } from '../host/index.ts';
import type { JsonObject, JsonValue } from '../host/model/messages.ts';
import { createScriptedModel, type Script } from '../host/model/scripted.ts';

/**
 * Loads every example extension of pi's into the sandbox, starts a session, calls what it registered, and says what came
 * of it: `node scripts/pi-examples.ts`, with names to try only those, `--json` for data. Needs no network.
 */
export interface ExampleOutcome {
  readonly name: string;
  readonly registered: string;
  readonly called: readonly string[];
  /** What went wrong, in the words that a user would see; empty where nothing did. */
  readonly problems: readonly string[];
}

const EXAMPLES = join(import.meta.dirname, '../node_modules/@earendil-works/pi-coding-agent/examples/extensions');
/** As a user who says yes to everything, but for what is outside of the sandbox altogether. */
const PERMISSIONS =
  'session:read session:write session:control prompt:modify tools:intercept tools:dynamic ui:notify ui:prompt ui:panel ui:keys agent:spawn background model fs:read fs:write exec:git exec:sh exec:bash exec:rg env:HOME tools:override:read tools:override:bash'.split(
    ' ',
  );
const BATCH = 3;
/** A command may wait for somebody who is not there. */
const MOST_MS = 20_000;

/** The examples, by file or directory. */
export function listExamples(): readonly string[] {
  return readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts') || statSync(join(EXAMPLES, name)).isDirectory());
}

/** Tries examples, a few at a time. */
export async function tryExamples(names: readonly string[], tried: (outcome: ExampleOutcome) => void = () => undefined): Promise<readonly ExampleOutcome[]> {
  const outcomes: ExampleOutcome[] = [];
  for (let at = 0; at < names.length; at += BATCH) {
    const some = await Promise.all(names.slice(at, at + BATCH).map(tryExample));
    for (const outcome of some) tried(outcome);
    outcomes.push(...some);
  }
  return outcomes;
}

async function tryExample(name: string): Promise<ExampleOutcome> {
  const root = mkdtempSync(join(tmpdir(), 'dash-example-'));
  try {
    const path = join(EXAMPLES, name);
    writeFileSync(join(root, 'x'), 'x');
    const problems: string[] = [];
    const called: string[] = [];
    const calls: { name: string; arguments: JsonObject }[] = [];
    const turns: Script['turns'] = [{ toolCalls: calls }, { text: 'done' }];
    await using host = await createHost({
      dashHome: join(root, 'home'),
      cwd: root,
      env: { PATH: process.env['PATH'] },
      models: createScriptedModel({ turns, repeat: true }),
      extensions: [{ path, permissions: PERMISSIONS }],
      approval: 'edits',
      session: { kind: 'memory' },
    });
    host.subscribe((event: HostEvent) => {
      if (event.type === 'extension_error') problems.push(`${event.event}: ${event.error}`);
    });
    problems.push(...host.diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message));
    await host.begin();
    const { tools, commands, handlers, flags, shortcuts } = host.generation.contributions;
    for (const { name: tool, registration } of tools.values()) {
      calls.push({ name: tool, arguments: KNOWN[registration.name] ?? sample(registration.parameters) });
      called.push(tool);
    }
    const outcome = await host.prompt('go');
    if (outcome.kind === 'started') await Promise.race([outcome.done, sleep(MOST_MS, undefined, { ref: false })]);
    for (const message of host.conversation.messages)
      if (message.role === 'toolResult' && message.isError)
        problems.push(`${message.toolName}: ${message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')}`);
    for (const command of commands.keys()) {
      const isOver = await Promise.race([host.prompt(`/${command}`).then(() => true), sleep(MOST_MS, false, { ref: false })]);
      called.push(isOver ? `/${command}` : `/${command} (went on)`);
    }
    await host.conversation.abort();
    await Promise.race([host.settle(), sleep(MOST_MS, undefined, { ref: false })]);
    const counts = [
      `${tools.size} tools`,
      `${commands.size} commands`,
      `${[...handlers.values()].flat().length} handlers`,
      `${flags.length} flags`,
      `${shortcuts.length} shortcuts`,
      `${host.generation.extensions.flatMap(({ sandboxed }) => sandboxed?.providers ?? []).length} providers`,
    ];
    return { name, registered: counts.filter((count) => !count.startsWith('0 ')).join(', '), called, problems };
  } catch (error) {
    return { name, registered: '', called: [], problems: [error instanceof Error ? error.message : String(error)] };
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What a schema does not say of its arguments. */
const KNOWN: Readonly<Record<string, JsonObject>> = {
  parse_duration: { duration: '1h' },
  edit: { path: 'x', edits: [{ oldText: 'x', newText: 'y' }] },
  bash: { command: 'echo x' },
};

/** Arguments that a schema takes, of the simplest kind. */
function sample(schema: unknown): JsonObject {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return {};
  const required = 'required' in schema && Array.isArray(schema.required) ? schema.required : [];
  return Object.fromEntries(
    Object.entries(schema.properties as object).flatMap(([key, property]) => (required.includes(key) ? [[key, sampleOf(property)]] : [])),
  );
}

function sampleOf(schema: Record<string, unknown>): JsonValue {
  const { enum: choices, const: only } = schema;
  if (Array.isArray(choices)) return String(choices[0]);
  if (typeof only === 'string') return only;
  for (const any of ['anyOf', 'oneOf']) if (Array.isArray(schema[any])) return sampleOf(schema[any][0] as Record<string, unknown>);
  switch (schema['type']) {
    case 'string':
      return 'x';
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default:
      return sample(schema);
  }
}

if (import.meta.main) {
  const named = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  const isJson = process.argv.includes('--json');
  const outcomes = await tryExamples(named.length === 0 ? listExamples() : named, (outcome) => isJson || process.stdout.write(describe(outcome)));
  const good = outcomes.filter(({ problems }) => problems.length === 0);
  process.stdout.write(isJson ? `${JSON.stringify(outcomes, undefined, 2)}\n` : `${good.length} of ${outcomes.length} without a problem\n`);
}

function describe({ name, registered, called, problems }: ExampleOutcome): string {
  const lines = problems.map((problem) => `    ${problem.split('\n')[0]}\n`).join('');
  return `${problems.length === 0 ? '✓' : '✗'} ${name}: ${registered}; called ${called.join(' ') || 'nothing'}\n${lines}`;
}
