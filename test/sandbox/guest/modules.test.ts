import { build } from 'esbuild';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostModule } from '../../../sandbox/compile/host-modules.ts';
import { readHostExports } from '../../../sandbox/guest/build/host-exports.ts';
import { openBareIsolate, type BareIsolate } from '../../support/bare-isolate.ts';

const directory = mkdtempSync(join(tmpdir(), 'guest-'));
let guest: BareIsolate;
beforeAll(async () => {
  guest = await openBareIsolate(directory, { parts: true });
}, 60_000);
afterAll(() => {
  guest[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});

const hostExports = await readHostExports();

describe('host modules', () => {
  test.each(Object.entries(hostExports))('%s has every name of pi\u2019s', async (name, exports) => {
    expect(
      await guest.run(`const m = require('${name}'); return ${JSON.stringify(exports.split(' '))}.filter((key) => key !== 'default' && m[key] === undefined)`),
    ).toEqual([]);
  });

  test('what cannot work here says so when it is called or constructed', async () => {
    const code = `const p = require('pi-coding-agent'); class Mine extends p.AgentSession {} const out = [];
      for (const use of [() => p.createAgentSession(), () => new p.SessionManager(), () => new Mine(), () => require('pi-agent-core').agentLoop(), () => require('pi-ai').getEnvApiKey('x'), () => p.convertToPng()]) { try { use(); out.push('passed') } catch (error) { out.push(error.code) } } return out`;
    expect(await guest.run(code)).toEqual(Array.from({ length: 6 }, () => 'UNSUPPORTED_API'));
  });

  test('typebox is one instance under all its names', async () => {
    expect(
      await guest.run(`const { Type } = require('typebox'); const { Value } = require('typebox/value'); const { Compile } = require('typebox/compile'); const schema = Type.Object({ a: Type.Number() });
      return [require('pi-ai').Type === Type, require('dash-agent').Type === Type, Value.Check(schema, { a: 1 }), Value.Check(schema, { a: 'x' }), Compile(schema).Check({ a: 1 }), Compile(schema).Errors({ a: 'x' }).length, require('dash-agent').defineTool(schema) === schema, require('typebox/compiler').TypeCompiler.Compile(schema).Check({ a: 2 }), ['error', 'guard', 'format'].every((name) => typeof require('typebox/' + name) === 'object')]`),
    ).toEqual([true, true, true, false, true, 1, true, true, true]);
  });

  test('completions go to the host', async () => {
    expect(
      await guest.run(
        `const ai = require('pi-ai'); const model = ai.getModel('p', 'm'); const events = []; for await (const e of ai.stream(model, { messages: [] })) events.push(e.type); return [(await ai.complete(model, { messages: [] })).content[0].text, events, ai.StringEnum(['a', 'b']).enum]`,
      ),
    ).toEqual(['p/m', ['done'], ['a', 'b']]);
  });

  test('pi-tui draws without a terminal', async () => {
    const code = `const t = require('pi-tui'); const { getMarkdownTheme, getSelectListTheme } = require('pi-coding-agent'); const box = new t.Container(); box.addChild(new t.Text('hi', 0, 0)); box.addChild(new t.Spacer(1)); box.addChild(new t.Markdown('- a', 0, 0, getMarkdownTheme()));
      const list = new t.SelectList([{ value: 'x', label: 'X' }, { value: 'y', label: 'Y' }], 5, getSelectListTheme()); const before = list.getSelectedItem().value; list.handleInput('\\u001b[B');
      return [box.render(6).map((line) => line.trimEnd()), t.visibleWidth('漢\\u001b[1mx'), t.truncateToWidth('abcdef', 4).length > 0, t.matchesKey('\\u0003', t.Key.ctrl('c')), before, list.getSelectedItem().value]`;
    expect(await guest.run(code)).toEqual([['hi', '', '- a'], 3, true, true, 'x', 'y']);
  });

  test('pi\u2019s own tools work over the broker', async () => {
    writeFileSync(join(directory, 'a.txt'), 'one\ntwo\n');
    const code = `const p = require('pi-coding-agent'); const cwd = process.cwd(); const text = async (tool, args) => (await tool.execute('1', args)).content[0].text;
      const edited = await text(p.createEditTool(cwd), { path: 'a.txt', edits: [{ oldText: 'one', newText: 'uno' }] });
      await text(p.createWriteTool(cwd), { path: 'sub/b.txt', content: 'new' });
      return [await text(p.createReadTool(cwd), { path: 'a.txt' }), edited.includes('1'), await text(p.createLsTool(cwd), {}), (await text(p.createBashTool(cwd), { command: 'cat sub/b.txt' })).trim().split('\\n').at(-1)]`;
    expect(await guest.run(code)).toEqual(['uno\ntwo\n', true, 'a.txt\nsub/', 'new']);
  });

  test('helpers of pi-coding-agent', async () => {
    expect(
      await guest.run(
        `const p = require('pi-coding-agent'); return [p.getAgentDir(), p.CONFIG_DIR_NAME, p.formatSize(2048), p.truncateHead('a\\nb\\nc', { maxLines: 2 }).content, p.parseFrontmatter('---\\nname: x\\n---\\nbody'), p.stripFrontmatter('---\\na: 1\\n---\\nb'), await p.withFileMutationQueue('/x', async () => 1), p.getLanguageFromPath('a.ts'), new p.DynamicBorder().render(3).length, p.convertToLlm([{ role: 'user', content: 'hi', timestamp: 0 }]).length]`,
      ),
    ).toEqual(['/agent', '.pi', '2.0KB', 'a\nb', { frontmatter: { name: 'x' }, body: 'body' }, 'b', 1, 'typescript', 1, 1]);
  });
});

const examples = join(dirname(fileURLToPath(import.meta.resolve('@earendil-works/pi-coding-agent'))), '../examples/extensions');

describe('pi\u2019s example extensions evaluate to a factory', () => {
  const entries = readdirSync(examples).filter(
    (name) => name.endsWith('.ts') || (statSync(join(examples, name)).isDirectory() && readdirSync(join(examples, name)).includes('index.ts')),
  );

  test.for(entries)('%s', async (name, { skip }) => {
    const entry = name.endsWith('.ts') ? join(examples, name) : join(examples, name, 'index.ts');
    const missing: string[] = [];
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      logLevel: 'silent',
      define: { 'import.meta.url': '"file:///package/index.ts"' },
      plugins: [
        {
          name: 'host',
          setup(esbuild) {
            esbuild.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
              if (kind === 'entry-point') return undefined;
              const host = hostModule(path);
              if (host === undefined) missing.push(path);
              return { path: host ?? path, external: true };
            });
          },
        },
      ],
    });
    // An example with dependencies of its own (`ms`, an SDK) is not installed here.
    skip(missing.length > 0, `needs ${missing.join(', ')}`);
    const bundle = JSON.stringify(result.outputFiles[0]?.text);
    expect(
      await guest.run(
        `const module = { exports: {} }; new Function('module', 'exports', 'require', '__dirname', '__filename', ${bundle})(module, module.exports, require, '/package', '/package/index.ts'); return typeof (module.exports.default ?? module.exports)`,
      ),
    ).toBe('function');
  });
});
