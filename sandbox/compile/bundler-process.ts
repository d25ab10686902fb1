import type * as Esbuild from 'esbuild';
import { createRequire } from 'node:module';
import { readLines } from '../process/lines.ts';
import type { PackHeads } from './module-files.ts';
import { bundle, type BundleRequest, type BundlerAnswer, MAX_REQUEST_BYTES } from './bundler.ts';

// Entry of the confined compile process: one JSON request a line on stdin, one JSON answer a line on stdout, until stdin ends.

// By path: looking it up would need read access to every directory on the way.
const esbuildPath = process.argv[2] ?? '';
const esbuild = createRequire(esbuildPath)(esbuildPath) as typeof Esbuild;

const heads: PackHeads = new Map();

readLines(process.stdin, MAX_REQUEST_BYTES, (line) => void answer(line), leave);
process.stdin.on('end', leave);

async function answer(line: string): Promise<void> {
  const { id, ...request } = JSON.parse(line) as BundleRequest & { readonly id: number };
  const answer: BundlerAnswer = await bundle(request, esbuild, heads).then(
    (reply) => ({ id, reply }),
    (error: unknown) => ({ id, error: error instanceof Error ? error.message : String(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function leave(): void {
  process.exit(0);
}
