import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as Schema from 'typebox/schema';

type Json = Readonly<Record<string, unknown>>;

const document = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@agentclientprotocol/sdk/schema/v1/schema.json'), 'utf8')) as {
  readonly $defs: Readonly<Record<string, { readonly 'x-side'?: string; readonly 'x-method'?: string }>>;
};

const compiled = new Map<string, ReturnType<typeof Schema.Compile>>();

/** Tells whether a value is what the protocol's own JSON schema calls `name`. */
export function isValid(name: string, value: unknown): boolean {
  const validator = compiled.get(name) ?? Schema.Compile({ $ref: `#/$defs/${name}`, $defs: document.$defs });
  compiled.set(name, validator);
  return validator.Check(value);
}

/** One message of a recorded conversation. */
export interface Recorded {
  readonly from: 'client' | 'agent';
  readonly message: Json;
}

/** What is wrong with a recorded conversation, by the protocol's schema: every request, notification and answer of the agent. */
export function violations(transcript: readonly Recorded[]): readonly string[] {
  const methods = new Map<string, string>();
  return transcript.flatMap(({ from, message }) => {
    const { method, id } = message;
    if (typeof method === 'string' && id !== undefined) methods.set(`${from} ${JSON.stringify(id)}`, method);
    if (from !== 'agent') return [];
    if (message['jsonrpc'] !== '2.0') return [`no JSON-RPC 2.0: ${JSON.stringify(message)}`];
    if (typeof method === 'string') {
      if (method === '$/cancel_request') return [];
      return definition(method, ['Request', 'Notification']).some((name) => isValid(name, message['params']))
        ? []
        : [`${method}: ${JSON.stringify(message['params'])}`];
    }
    if (message['error'] !== undefined) return isValid('Error', message['error']) ? [] : [`error: ${JSON.stringify(message)}`];
    const asked = methods.get(`client ${JSON.stringify(id)}`);
    if (asked === undefined) return [`an answer to nothing: ${JSON.stringify(message)}`];
    return isAnswer(asked, message['result']) ? [] : [`answer to ${asked}: ${JSON.stringify(message['result'])}`];
  });
}

/** Whether a result is one that the protocol has for a method. */
export function isAnswer(method: string, result: unknown): boolean {
  return definition(method, ['Response']).some((name) => isValid(name, result));
}

function definition(method: string, endings: readonly string[]): readonly string[] {
  return Object.entries(document.$defs)
    .filter(([name, definition]) => definition['x-method'] === method && endings.some((ending) => name.endsWith(ending)))
    .map(([name]) => name);
}
