import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { type RunningRegistry, serveRegistry, type ServeRegistryOptions } from '../../../registry/serve/index.ts';

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'dash-test-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A registry on loopback that is closed after the test. */
export async function startRegistry(options: Partial<ServeRegistryOptions> = {}): Promise<RunningRegistry> {
  const registry = await serveRegistry({ dir: options.dir ?? (await temporaryDirectory()), ...options });
  onTestFinished(() => registry.close());
  return registry;
}

export interface DocumentOptions {
  readonly name: string;
  readonly version?: string;
  readonly bytes?: Buffer;
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly tag?: string;
}

/** What an npm client sends to publish one version. */
export function publishDocument({ name, version = '1.0.0', bytes = Buffer.from('not really a tarball'), manifest = {}, tag = 'latest' }: DocumentOptions) {
  const file = `${name}-${version}.tgz`;
  return {
    _id: name,
    name,
    'dist-tags': { [tag]: version },
    versions: { [version]: { name, version, dist: { integrity: sha512(bytes) }, ...manifest } },
    _attachments: { [file]: { content_type: 'application/octet-stream', data: bytes.toString('base64'), length: bytes.length } },
  };
}

export function sha512(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

/** Sends `document` as npm clients do, and answers status and error text. */
export async function put(registry: { readonly url: string }, document: { readonly name: string }, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${registry.url}${document.name.replace('/', '%2f')}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(document),
  });
  const reply: unknown = await response.json();
  const error = typeof reply === 'object' && reply !== null && 'error' in reply ? reply.error : undefined;
  return { status: response.status, error };
}

export async function getJson(registry: { readonly url: string }, path: string): Promise<unknown> {
  return (await fetch(registry.url + path)).json();
}
