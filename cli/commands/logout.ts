import { forget, openModels } from '../../host/index.ts';
import { assertNotDelegated } from '../../registry/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('<provider>', 'whose key or login is forgotten');
  return async (invocation) => {
    const { home, globals } = invocation;
    const [provider = ''] = command.args;
    assertNotDelegated();
    const had = globals.dryRun === true || (await forget(home, provider)) || (await forgetOfPackage(provider, invocation));
    const text = globals.dryRun === true ? 'would forget the key of' : had ? 'forgot the key of' : 'there was no key of';
    return { kind: 'document', document: { provider, loggedIn: false }, text: `${text} ${oneLine(provider)}\n` };
  };
};

async function forgetOfPackage(provider: string, invocation: Invocation): Promise<boolean> {
  const { home, env, stderr } = invocation;
  // loaded here: most who log in want no package
  const [{ openPackageModels }, { portsWithoutHost }] = await Promise.all([import('../package-models.ts'), import('../ports-without-host.ts')]);
  const port = await openModels({ reference: undefined, dashHome: home, env });
  await using opened = await openPackageModels(
    invocation,
    port,
    portsWithoutHost((text) => stderr.write(`${oneLine(text)}\n`)),
  );
  return await opened.models.logins.logOut(provider);
}
