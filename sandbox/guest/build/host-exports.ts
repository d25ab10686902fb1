import { build } from 'esbuild';

const entries = {
  'pi-coding-agent': '@earendil-works/pi-coding-agent',
  'pi-agent-core': '@earendil-works/pi-agent-core',
  'pi-ai': '@earendil-works/pi-ai/compat',
} as const;

export type HostModule = keyof typeof entries;

let known: Promise<Readonly<Record<string, string>>> | undefined;

/** Reads the names that pi's own packages export, without running them. */
export function readHostExports(): Promise<Readonly<Record<string, string>>> {
  return (known ??= readAll());
}

async function readAll(): Promise<Record<string, string>> {
  const names = await Promise.all(Object.entries(entries).map(async ([name, specifier]) => [name, (await exportsOf(specifier)).join(' ')] as const));
  return Object.fromEntries(names);
}

async function exportsOf(specifier: string): Promise<string[]> {
  const result = await build({
    stdin: { contents: `export * from ${JSON.stringify(specifier)};`, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    conditions: ['import'],
    plugins: [
      {
        name: 'own-files-only',
        setup(esbuild) {
          esbuild.onResolve({ filter: /^[^./]/ }, ({ path }) => (path === specifier ? undefined : { path, external: true }));
        },
      },
    ],
    logLevel: 'error',
  });
  return Object.values(result.metafile.outputs).flatMap((output) => output.exports);
}
