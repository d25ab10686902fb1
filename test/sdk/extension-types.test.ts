import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_NAMES } from '../../format/index.ts';
import { defineExtension, defineTool, isToolCallEventType, type EventName, type ExtensionAPI } from '../../sdk/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** A package as an outside author has it: `dash-agent/sdk` is resolved through package.json, nothing by a path. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dash-sdk-'));
  const own = join(folder, 'node_modules/dash-agent');
  await mkdir(own, { recursive: true });
  await cp(join(root, 'sdk'), join(own, 'sdk'), { recursive: true });
  await writeFile(join(own, 'package.json'), JSON.stringify({ name: 'dash-agent', type: 'module', exports: { './sdk': './sdk/index.ts' } }));
  for (const name of ['typebox', '@sinclair', '@earendil-works', '@types', 'undici-types'])
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  const compilerOptions = {
    module: 'nodenext',
    target: 'esnext',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: false,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'sample', type: 'module' }));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

/** Gives what the compiler says about one file of the author's. */
async function check(source: string): Promise<string> {
  await writeFile(join(folder, 'sample.ts'), source);
  try {
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
    return '';
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout);
    throw error;
  }
}

describe('the types an author sees', () => {
  it('take messages that a program declares, and no others', async () => {
    const use = `
      import type { AgentMessage } from 'dash-agent/sdk';
      export const message: AgentMessage = { role: 'artifact', url: 'https://example.org', timestamp: 0 };
      export const urlOf = (one: AgentMessage): string => (one.role === 'artifact' ? one.url : '');`;
    expect(
      await check(`${use}
      declare module 'dash-agent/sdk' {
        interface CustomAgentMessages {
          artifact: { role: 'artifact'; url: string; timestamp: number };
        }
      }`),
    ).toBe('');
    expect(await check(use)).toContain('artifact');
  });

  it('fit a sample extension', async () => {
    expect(
      await check(`
        import { defineExtension, defineTool, type ExtensionAPI } from 'dash-agent/sdk';
        import { Type } from 'typebox';
        import { Type as OldType } from '@sinclair/typebox';

        const search = defineTool({
          name: 'search', label: 'Search', description: 'Searches',
          parameters: Type.Object({ query: Type.String(), limit: Type.Optional(Type.Integer()) }),
          async execute(_id, { query, limit = 3 }, signal, onUpdate, ctx) {
            const text: string = query.toUpperCase() + limit.toFixed() + ctx.cwd;
            onUpdate?.({ content: [], details: { found: 0 } });
            signal?.throwIfAborted();
            return { content: [{ type: 'text', text }], details: { found: 1 } };
          },
        });

        export default function (dash: ExtensionAPI) {
          dash.registerTool(search);
          dash.registerTool({
            name: 'old', label: 'Old', description: 'Uses the older library', parameters: OldType.Object({ path: OldType.String() }),
            async execute(_id, args) { return { content: [{ type: 'text', text: args.path.trim() }], details: undefined }; },
          });
          dash.registerTool({ name: 'deploy', parameters: Type.Object({ service: Type.String() }), async execute(args) { return { success: args.service.length > 0 }; } });
          dash.registerCommand('deploy', { handler: async (args) => dash.spawnAgent('deploy', args) });
          dash.on('agent_complete', async (e) => { if (e.result.includes('error')) await dash.notify('deploy failed'); });
          dash.on('tool_call', (event) => (event.toolName === 'bash' ? { block: true, reason: String(event.input.command) } : undefined));
          dash.on('session_start', (event, ctx) => {
            const reason: 'startup' | 'reload' | 'new' | 'resume' | 'fork' = event.reason;
            for (const entry of ctx.sessionManager.getBranch()) if (entry.type === 'custom') dash.appendEntry(entry.customType, reason);
          });
          dash.on('before_agent_start', (event) => ({ systemPrompt: event.systemPrompt + '!' }));
          dash.registerFlag('loud', { type: 'boolean', default: true });
          const end = dash.events.on('x', () => {});
          end();
        }

        export const other = defineExtension(async (dash) => dash.setLabel('id', undefined));
      `),
    ).toBe('');
  }, 60_000);

  it('fit an extension that was written for pi', async () => {
    expect(
      await check(`
        import type { ExtensionAPI as Pi, ExtensionContext as PiContext, ExtensionUIContext as PiUI, ExtensionCommandContext as PiCommand } from '@earendil-works/pi-coding-agent';
        import type { ExtensionAPI, ExtensionContext, ExtensionUIContext, ExtensionCommandContext } from 'dash-agent/sdk';

        // every member that pi has, we have under the same name
        type Missing<Theirs, Ours> = Exclude<keyof Theirs, keyof Ours>;
        declare const missing: Missing<Pi, ExtensionAPI> | Missing<PiContext, ExtensionContext> | Missing<PiUI, ExtensionUIContext> | Missing<PiCommand, ExtensionCommandContext>;
        export const none: never = missing;

        // and every event of ours but our own is one of pi's
        declare const pi: Pi;
        ${EVENT_NAMES.filter((name) => name !== 'agent_complete')
          .map((name) => `pi.on('${name}', () => undefined as never);`)
          .join(' ')}
        // @ts-expect-error the check above can fail
        pi.on('agent_complete', () => undefined as never);
      `),
    ).toBe('');
  }, 60_000);

  it.each([
    ['an unknown event', 'sesion_start', `dash.on('sesion_start', () => {});`],
    ['an answer an event does not take', 'boolean | undefined', `dash.on('tool_call', () => ({ block: 1 }));`],
    [
      'an argument the schema does not have',
      'nope',
      `dash.registerTool({ name: 'a', label: 'a', description: 'a', parameters: Type.Object({ q: Type.String() }), async execute(_id, args) { return { content: [{ type: 'text', text: args.nope }], details: 0 }; } });`,
    ],
    ['an unknown member', 'frobnicate', `dash.frobnicate();`],
  ])(
    'catch %s',
    async (_, culprit, statement) => {
      const errors = await check(`
      import type { ExtensionAPI } from 'dash-agent/sdk';
      import { Type } from 'typebox';
      export default function (dash: ExtensionAPI) { void Type; ${statement} }
    `);
      expect(errors).toContain('sample.ts(');
      expect(errors).toContain(culprit);
    },
    60_000,
  );
});

describe('the values of the sdk', () => {
  it('are identity functions', () => {
    const factory = (dash: ExtensionAPI): void => dash.setSessionName('x');
    expect(defineExtension(factory)).toBe(factory);
    const tool = { name: 'a', label: 'a', description: 'a', parameters: {}, execute: async () => ({ content: [], details: undefined }) };
    expect(defineTool(tool)).toBe(tool);
    const event = { type: 'tool_call', toolCallId: '1', toolName: 'bash', input: {} } as const;
    expect([isToolCallEventType('bash', event), isToolCallEventType('read', event)]).toEqual([true, false]);
  });

  it('load nothing from elsewhere', async () => {
    const script = `import { registerHooks } from 'node:module'; const seen = []; registerHooks({ resolve(s, c, n) { const r = n(s, c); if (!r.url.includes('/sdk/')) seen.push(r.url); return r; } }); await import(${JSON.stringify(join(root, 'sdk/index.ts'))}); console.log(JSON.stringify(seen));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
    expect(JSON.parse(stdout)).toEqual([]);
  });

  it('name the events that the table of members names', () => {
    // the compiler holds the list to the union, the test holds the list to the table
    const names: Record<EventName, true> = {
      project_trust: true,
      resources_discover: true,
      session_start: true,
      session_info_changed: true,
      session_before_switch: true,
      session_before_fork: true,
      session_before_compact: true,
      session_compact: true,
      session_compact_failed: true,
      session_shutdown: true,
      session_before_tree: true,
      session_tree: true,
      context: true,
      context_with_system: true,
      cache_warming_decision: true,
      before_provider_request: true,
      before_provider_headers: true,
      after_provider_response: true,
      before_agent_start: true,
      agent_start: true,
      agent_end: true,
      agent_before_settle: true,
      agent_settled: true,
      agent_complete: true,
      ui_prompt_start: true,
      ui_prompt_end: true,
      turn_start: true,
      turn_end: true,
      message_start: true,
      message_update: true,
      message_end: true,
      tool_execution_start: true,
      tool_execution_update: true,
      tool_execution_end: true,
      model_select: true,
      thinking_level_select: true,
      tool_call: true,
      tool_result: true,
      user_bash: true,
      input: true,
    };
    expect(Object.keys(names).sort()).toEqual([...EVENT_NAMES].sort());
  });
});
