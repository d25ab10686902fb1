import { createHash } from 'node:crypto';
import { readCredentials } from './credentials.ts';
import { readCustomProviders } from './custom-providers.ts';
import { freshToken } from './log-in.ts';
import { createPiAiModels } from './pi-ai.ts';
import type { ModelPort } from './port.ts';

/**
 * The providers there are, with the keys of this moment: they are read again whenever the models are asked for, so that
 * who logs in while the agent runs need not start it again. @throws {DashError} SETTINGS_INVALID
 */
export async function openProviders(dashHome: string, env: Readonly<Record<string, string | undefined>>): Promise<ModelPort> {
  const look = async (): Promise<{ readonly digest: string; readonly open: () => ModelPort }> => {
    const [custom, { keys, tokens }] = await Promise.all([readCustomProviders(dashHome), readCredentials(dashHome)]);
    return {
      digest: createHash('sha256')
        .update(JSON.stringify([custom, keys, Object.keys(tokens)]))
        .digest('hex'),
      open: () => createPiAiModels({ env, keys, custom, token: (provider) => freshToken(dashHome, provider) }),
    };
  };
  const first = await look();
  let held = { digest: first.digest, port: first.open() };
  return {
    async models() {
      const now = await look();
      if (now.digest !== held.digest) held = { digest: now.digest, port: now.open() };
      return held.port.models();
    },
    stream: (...request) => held.port.stream(...request),
  };
}
