import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../../format/index.ts';

const Price = Type.Number({ minimum: 0 });

const CustomModel = Type.Object(
  {
    id: Type.String({ minLength: 1 }),
    name: Type.Optional(Type.String()),
    reasoning: Type.Optional(Type.Boolean()),
    images: Type.Optional(Type.Boolean()),
    contextWindow: Type.Optional(Type.Integer({ minimum: 1 })),
    maxTokens: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Dollars for a million tokens; nothing where it is left out. */
    cost: Type.Optional(
      Type.Object({ input: Price, output: Price, cacheRead: Type.Optional(Price), cacheWrite: Type.Optional(Price) }, { additionalProperties: false }),
    ),
  },
  { additionalProperties: false },
);

const Address = Type.String({ pattern: '^(https://|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])([:/]|$))' });

/** A login through a browser, for a client of the user's own: RFC 8628 (device code), or RFC 7636 with an address on loopback. */
const OAuthClient = Type.Object(
  {
    clientId: Type.String({ minLength: 1 }),
    tokenUrl: Address,
    /** Where the user is sent, and comes back from. */
    authorizeUrl: Type.Optional(Address),
    /** Where a code is asked for that the user types on any machine. */
    deviceUrl: Type.Optional(Address),
    scope: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type OAuthClient = Static<typeof OAuthClient>;

const CustomProvider = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]*$' }),
    baseUrl: Type.String({ pattern: '^https?://' }),
    api: Type.Union([
      Type.Literal('openai-completions'),
      Type.Literal('openai-responses'),
      Type.Literal('anthropic-messages'),
      Type.Literal('google-generative-ai'),
    ]),
    /** Name of the environment variable that holds the key; absent for a local server without one. */
    apiKeyEnv: Type.Optional(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' })),
    oauth: Type.Optional(OAuthClient),
    models: Type.Array(CustomModel, { minItems: 1 }),
  },
  { additionalProperties: false },
);
/** An endpoint of the user's own: Ollama, vLLM, llama.cpp, a gateway. */
export type CustomProvider = Static<typeof CustomProvider>;

const ModelsFile = Type.Object({ providers: Type.Array(CustomProvider) }, { additionalProperties: false });

/** Reads `models.json` of the user's home; a project has none. @throws {DashError} SETTINGS_INVALID */
export async function readCustomProviders(dashHome: string): Promise<readonly CustomProvider[]> {
  const path = join(dashHome, 'models.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DashError('SETTINGS_INVALID', `\`${path}\` is not JSON`, { cause, where: { path } });
  }
  if (Value.Check(ModelsFile, value)) return value.providers;
  const first = Value.Errors(ModelsFile, value).First();
  throw new DashError('SETTINGS_INVALID', `\`${path}\`: ${first?.path ?? ''} ${first?.message ?? ''}`, { where: { path } });
}
