import { DashError, nearest } from '../../format/index.ts';
import { keepKey, knownProviders } from '../../host/index.ts';
import { assertNotDelegated } from '../../registry/index.ts';
import type { CommandResult, DefineCommand, Invocation } from '../command.ts';
import { readUnseen } from '../read-unseen.ts';

export const define: DefineCommand = (command) => {
  command.argument('<provider>', 'e.g. anthropic, openai, google, or one of your models.json; the key is typed unseen, or piped in');
  return async (invocation) => {
    const [provider = ''] = command.args;
    return logIn(provider, invocation);
  };
};

/** Keeps the key of a provider, which is typed unseen or piped in. @throws {DashError} USAGE, INPUT_REQUIRED, DELEGATED_CONSENT */
export async function logIn(provider: string, invocation: Invocation): Promise<CommandResult> {
  const { home, globals } = invocation;
  assertNotDelegated(); // before anything is typed
  await assertKnown(provider, home);
  const key = (await readUnseen(`key of ${provider}`, `dash login ${provider}`, invocation)).trim();
  if (key === '') throw new DashError('INPUT_REQUIRED', 'the key is empty');
  if (globals.dryRun !== true) await keepKey(home, provider, key);
  return {
    kind: 'document',
    document: { provider, loggedIn: globals.dryRun !== true },
    text: `${globals.dryRun === true ? 'would keep' : 'kept'} the key of ${provider}; a variable of the environment goes before it\n`,
  };
}

/** @throws {DashError} USAGE */
async function assertKnown(provider: string, home: string): Promise<void> {
  const known = await knownProviders(home);
  if (known.includes(provider)) return;
  const meant = nearest(provider, known);
  throw new DashError('USAGE', `there is no provider \`${provider}\` that has a key`, {
    hint: meant === undefined ? `they are ${known.join(', ')}` : `did you mean \`${meant}\`?`,
  });
}
