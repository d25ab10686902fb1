import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { type ModelInfo, type ModelPort, openModels } from '../../host/index.ts';

/** The wires that four of the large providers speak, each with where its paths begin. */
export const WIRES = [
  { api: 'anthropic-messages', path: '' },
  { api: 'openai-completions', path: '/v1' },
  { api: 'openai-responses', path: '/v1' },
  { api: 'google-generative-ai', path: '/v1beta' },
] as const;
export type WireName = (typeof WIRES)[number]['api'];

export interface WireModels extends AsyncDisposable {
  /** What is answered, and what was asked. */
  readonly mock: LLMock;
  /** One provider for each wire, named like it, with one model named `model`. */
  readonly port: ModelPort;
  model(wire: WireName): Promise<ModelInfo>;
}

/** What was used, in the words of every wire. */
export const USAGE = {
  prompt_tokens: 11,
  completion_tokens: 3,
  total_tokens: 14,
  input_tokens: 11,
  output_tokens: 3,
  promptTokenCount: 11,
  candidatesTokenCount: 3,
  totalTokenCount: 14,
};

/** A server on loopback that speaks the four wires, and the real port to it. `reference` as on the command line. */
export async function startWireModels(reference?: string): Promise<WireModels> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
  await mock.start();
  const dashHome = await mkdtemp(join(tmpdir(), 'dash-wires-'));
  const providers = WIRES.map(({ api, path }) => ({
    id: api,
    api,
    baseUrl: `${mock.url}${path}`,
    models: [{ id: 'model', reasoning: true, images: true, cost: { input: 1, output: 2 } }],
  }));
  await writeFile(join(dashHome, 'models.json'), JSON.stringify({ providers }));
  const port = await openModels({ reference, dashHome, env: {} });
  return {
    mock,
    port,
    async model(wire) {
      const found = (await port.models()).find(({ provider }) => provider === wire);
      if (found === undefined) throw new Error(`there is no model for ${wire}`);
      return found;
    },
    async [Symbol.asyncDispose]() {
      await mock.stop();
      await rm(dashHome, { recursive: true });
    },
  };
}
