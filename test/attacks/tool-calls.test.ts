import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { DashError } from '../../format/index.ts';
import type { AgentPort, AuditRecord } from '../../sandbox/index.ts';
import { context, extensionOf, openFixture, recordingPorts, until, type Fixture } from '../support/sandbox-fixture.ts';

/** A package that reaches through another one for what it may not do itself. */
const CALLER = {
  ask: `const { content } = await ctx.executeTool(params.tool, params.args, params.how ?? {}); return content[0].text`,
  code: `try { return (await ctx.executeTool(params.tool, params.args)).content[0].text } catch (error) { return error.code + ': ' + error.message }`,
  hold: `void ctx.executeTool(params.tool, params.args).catch(() => {}); await new Promise((done) => { globalThis.release = done; }); return 'left'`,
  release: `globalThis.release(); return 'released'`,
};
const CALLEE = {
  read: `try { return require('fs').readFileSync(params.path, 'utf8') } catch (error) { return error.message }`,
  run: `return await new Promise((done) => require('child_process').execFile('cat', [params.path], (error, stdout, stderr) => done(error ? 'failed: ' + stderr : stdout)))`,
  keep: `require('fs').writeFileSync(require('@earendil-works/pi-coding-agent').getAgentDir() + '/kept.txt', 'x'); return 'kept'`,
  back: `try { return (await ctx.executeTool('caller/ask', {})).content[0].text } catch (error) { return error.code + ': ' + error.message }`,
  wait: `console.log('begun'); await new Promise((done, fail) => signal.addEventListener('abort', () => fail(new Error('aborted')))); `,
};

const opened: Fixture[] = [];
afterEach(async () => {
  for (const fixture of opened.splice(0)) await fixture[Symbol.asyncDispose]();
});

/** Two packages in processes of their own, and a host that hands the calls of one to the other. */
async function pair(callerMay: readonly string[], calleeMay: readonly string[]) {
  const packages = new Map<string, Fixture>();
  const agent: AgentPort = {
    ...recordingPorts([]).agent,
    async callTool({ package: owner, name, args, delegation, origin }, signal) {
      const target = packages.get(owner);
      if (target === undefined) throw new DashError('UNKNOWN_TOOL', `there is no package \`${owner}\``);
      return target.extension.callTool(name, args, { toolCallId: 'x', context, signal, delegation, ...(origin && { origin }) });
    },
  };
  for (const [name, tools, granted] of [
    ['caller', CALLER, callerMay],
    ['callee', CALLEE, calleeMay],
  ] as const) {
    const fixture = await openFixture({
      name,
      files: { 'index.ts': extensionOf(tools) },
      granted,
      ports: { agent },
      workspaceFiles: { 'a.txt': 'the text', 'b.txt': 'the other' },
    });
    opened.push(fixture);
    packages.set(name, fixture);
  }
  const [caller, callee] = opened.slice(-2) as [Fixture, Fixture];
  const path = `${callee.workspace}/a.txt`;
  return { caller, callee, path };
}

describe('a tool of another package', () => {
  test('is not called without `tool:`, whether it exists or not', async () => {
    const { caller } = await pair([], []);
    const said = [await caller.text('code', { tool: 'callee/read', args: {} }), await caller.text('code', { tool: 'nobody/nothing', args: {} })];
    expect(said[0]).toContain('EACCES');
    expect(said[0]?.replaceAll('callee/read', 'X')).toBe(said[1]?.replaceAll('nobody/nothing', 'X'));
    expect(caller.denials[0]).toMatchObject({ permission: 'tool:callee/read' });
  });

  test('control arm: what both may do, happens; the trail names for whom', async () => {
    const { callee, caller, path } = await pair(['tool:callee/read', 'fs:read:/**'], ['fs:read']);
    expect(await caller.text('ask', { tool: 'callee/read', args: { path } })).toBe('the text');
    const records = readFileSync(callee.audit.file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);
    expect(records.find(({ capability }) => capability === 'fs.readFile')).toMatchObject({ decision: 'allow', 'on.behalf.of': 'caller' });
  });

  test('does nothing for a caller that may not do it itself', async () => {
    const { callee, caller, path } = await pair(['tool:callee/read'], ['fs:read']);
    expect(await callee.text('read', { path })).toBe('the text'); // control arm: it may, for the user
    expect(await caller.text('ask', { tool: 'callee/read', args: { path } })).toContain('caller has no');
    expect(callee.denials).toMatchObject([{ package: 'callee', rule: 'called by caller' }]);
    expect(callee.denials[0]?.hint).toMatch(/^dash permissions grant caller /);
  });

  test('does no more than the caller hands on', async () => {
    const { callee, caller, path } = await pair(['tool:callee/read', 'fs:read:/**'], ['fs:read']);
    const other = `${callee.workspace}/b.txt`;
    const how = { permissions: [`fs:read:${other}`] };
    expect(await caller.text('ask', { tool: 'callee/read', args: { path: other }, how })).toBe('the other');
    expect(await caller.text('ask', { tool: 'callee/read', args: { path }, how })).toContain('caller has no');
    // and handing on what it does not have gives nothing
    expect(
      await caller.text('ask', { tool: 'callee/read', args: { path: `${callee.home}/x` }, how: { permissions: ['fs:read:/**', 'fs:read:~/**'] } }),
    ).toContain('callee has no');
  });

  test('keeps its own private files, whoever calls', async () => {
    const { caller } = await pair(['tool:callee/keep'], []);
    expect(await caller.text('ask', { tool: 'callee/keep', args: {} })).toBe('kept');
  });

  test('gives a program it runs no more than both may see', async () => {
    const { callee, caller, path } = await pair(['tool:callee/run', 'exec:cat'], ['fs:read', 'exec:cat']);
    const alone = await callee.text('run', { path });
    const through = await caller.text('ask', { tool: 'callee/run', args: { path } });
    // Where programs cannot be confined, neither runs.
    if (alone === 'the text') expect(through).toMatch(/^failed: .*(No such file|denied)/s);
    else expect(through).not.toContain('the text');
  });

  test('cannot call back a package that waits for it', async () => {
    const { caller } = await pair(['tool:callee/back'], ['tool:caller/ask']);
    expect(await caller.text('ask', { tool: 'callee/back', args: {} })).toMatch(/^EACCES: .*caller has no `tool:caller\/ask`/);
    const both = await pair(['tool:callee/back', 'tool:caller/ask'], ['tool:caller/ask']);
    expect(await both.caller.text('ask', { tool: 'callee/back', args: {} })).toBe(
      'REENTRANT_CALL: caller → callee → caller: `caller` is waiting for this very call',
    );
    expect(await both.caller.text('code', { tool: 'caller/ask', args: {} })).toContain('REENTRANT_CALL: caller → caller');
  });

  test('ends with the call it was called in', async () => {
    const { caller, callee } = await pair(['tool:callee/wait'], []);
    const holding = caller.text('hold', { tool: 'callee/wait', args: {} });
    await until(() => callee.logs.some((line) => line.includes('begun')));
    await caller.text('release');
    expect(await holding).toBe('left');
    await until(() => callee.extension.inFlight === 0);
  });
});
