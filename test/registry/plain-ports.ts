import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { CompiledEntry, CompileFailure, Registrations } from '../../format/index.ts';
import type { InspectPorts } from '../../registry/index.ts';
import { filesOf } from '../support/module-files.ts';

export const NOTHING_REGISTERED: Registrations = { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] };

/**
 * The ports in their smallest real form: compiling is hashing, an entry with `syntax error` in it does not compile;
 * what was
 * compiled lies in the home like any other bundle; the code needs what `needs:PERMISSION` names; capturing finds `tool:NAME` in the text, and an entry that says `throws` fails.
 */
export function plainPorts(dashHome: string): InspectPorts {
  const dir = join(dashHome, 'bundles');
  return {
    async compile({ graph, entries }) {
      const compiled: CompiledEntry[] = [];
      const failures: CompileFailure[] = [];
      for (const entry of entries) {
        const text = await readFile(join(graph.nodes[graph.root]?.dir ?? '', entry), 'utf8');
        if (text.includes('syntax error')) {
          failures.push({ entry, error: { code: 'COMPILE_FAILED', message: 'unexpected token', where: { path: entry, line: 3, column: 7 } } });
          continue;
        }
        for (const [, imported = ''] of text.matchAll(/from '([^'.][^']*)'/g)) {
          const key = graph.nodes[graph.root]?.dependencies[imported];
          const node = key === undefined ? undefined : graph.nodes[key];
          if (node === undefined || filesOf(node)['package.json'] === undefined)
            failures.push({ entry, error: { code: 'COMPILE_FAILED', message: `cannot find ${imported}` } });
        }
        const hash = sha256(text);
        await mkdir(dir, { recursive: true });
        for (const kind of ['js', 'map']) await writeFile(join(dir, `${hash}.${kind}`), text);
        const permissions = Array.from(text.matchAll(/needs:(\S+)/g), ([, permission = '']) => ({
          permission,
          evidence: [{ what: 'needs', where: { path: entry, line: 1 } }],
          places: 1,
        }));
        const inferred = { permissions, computed: [] };
        compiled.push({ entry, code: hash, codeBytes: text.length, map: hash, parts: [], unsupported: [], inferred });
      }
      return { entries: compiled, failures };
    },
    toolchain: () => Promise.resolve('plain'),
    async isCompiled({ entries }) {
      const files = entries.flatMap(({ code, map }) => [[code, 'js'] as const, [map, 'map'] as const]);
      const whole = await Promise.all(files.map(async ([hash, kind]) => sha256(await readFile(join(dir, `${hash}.${kind}`), 'utf8').catch(() => '')) === hash));
      return whole.every(Boolean);
    },
    async capture({ graph, compiled }) {
      const captureOutcomes = await Promise.all(
        compiled.entries.map(async ({ entry }) => {
          const text = await readFile(join(graph.nodes[graph.root]?.dir ?? '', entry), 'utf8');
          if (text.includes('throws'))
            return { kind: 'failed' as const, entry, error: { code: 'FACTORY_FAILED', message: 'boom', where: { path: entry, line: 1 } } };
          const tools = [...text.matchAll(/tool:(\w+)/g)].map(([, name = '']) => ({ name, description: name, parameters: {} }));
          return { kind: 'ok' as const, entry, registrations: { ...NOTHING_REGISTERED, tools } };
        }),
      );
      return { compiled, captureOutcomes };
    },
    prepareBuild: () => undefined,
    async readSkills(dir, paths) {
      return Promise.all(
        paths.map(async (path) => {
          const text = await readFile(join(dir, path), 'utf8');
          return { path, name: /^name: (.*)$/m.exec(text)?.[1] ?? path, description: /^description: (.*)$/m.exec(text)?.[1] ?? '', diagnostics: [] };
        }),
      );
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
