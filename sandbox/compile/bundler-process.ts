import type * as Esbuild from 'esbuild';
import { createRequire } from 'node:module';
import { bundle, type BundleRequest } from './bundler.ts';

/** Entry of the confined compile process: one JSON request on stdin, one JSON reply on stdout. */
async function main(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const request = JSON.parse(Buffer.concat(chunks).toString('utf8')) as BundleRequest;
  // By path: looking it up would need read access to every directory on the way.
  const esbuildPath = process.argv[2] ?? '';
  const esbuild = createRequire(esbuildPath)(esbuildPath) as typeof Esbuild;
  const reply = await bundle(request, esbuild);
  process.stdout.write(JSON.stringify(reply), () => process.exit(0));
}

void main();
