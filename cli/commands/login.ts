import { DashError, nearest } from '../../format/index.ts';
import { keepKey, logInByBrowser, type LoginStep, type LoginWay, loginWay, openModels } from '../../host/index.ts';
import { assertNotDelegated } from '../../registry/index.ts';
import type { CommandResult, DefineCommand, Invocation } from '../command.ts';
import { openBrowser } from '../open-browser.ts';
import { oneLine } from '../output/terminal.ts';
import { readUnseen } from '../read-unseen.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('<provider>', 'e.g. anthropic, openai, google, or one of your models.json; a key is typed unseen, or piped in')
    .option('--browser', 'log in through the browser, where the provider lets every program do that');
  return async (invocation) => {
    const [provider = ''] = command.args;
    return logIn(provider, invocation, command.opts<{ readonly browser?: boolean }>().browser);
  };
};

/** Keeps the key of a provider, which is typed unseen or piped in, or what a browser brings. @throws {DashError} USAGE, INPUT_REQUIRED, DELEGATED_CONSENT, LOGIN_FAILED, LOGIN_REFUSED */
export async function logIn(provider: string, invocation: Invocation, browser = false): Promise<CommandResult> {
  const { home, globals } = invocation;
  assertNotDelegated(); // before anything is typed
  const way = await loginWay(home, provider);
  if (way.kind === 'unknown') return logInThroughPackage(provider, way.known, invocation);
  const isByBrowser = usesBrowser(provider, browser, way);
  if (isByBrowser && globals.dryRun !== true) {
    await logInByBrowser(home, provider, { signal: invocation.signal, show: (step) => show(step, invocation) });
  } else if (!isByBrowser) {
    const key = (await readUnseen(`key of ${provider}`, `dash login ${provider}`, invocation)).trim();
    if (key === '') throw new DashError('INPUT_REQUIRED', 'the key is empty');
    if (globals.dryRun !== true) await keepKey(home, provider, key);
  }
  const what = isByBrowser ? `the login at ${provider}` : `the key of ${provider}`;
  return {
    kind: 'document',
    document: { provider, loggedIn: globals.dryRun !== true },
    text: `${globals.dryRun === true ? 'would keep' : 'kept'} ${what}; a variable of the environment goes before it\n`,
  };
}

/** A package logs in with code of its own: what it shows and asks is marked with its name. */
async function logInThroughPackage(provider: string, known: readonly string[], invocation: Invocation): Promise<CommandResult> {
  const { home, env, globals, signal } = invocation;
  // loaded here: most who log in want no package
  const [{ openPackageModels }, { terminalPorts }] = await Promise.all([import('../package-models.ts'), import('../terminal-ports.ts')]);
  const port = await openModels({ reference: undefined, dashHome: home, env });
  await using opened = await openPackageModels(invocation, port, await terminalPorts(invocation));
  const { logins } = opened.models;
  const places = await logins.places();
  const place = places.find((one) => one.provider === provider);
  if (place === undefined) {
    const all = [...known, ...places.map((one) => one.provider)];
    const meant = nearest(provider, all);
    throw new DashError('USAGE', `there is no provider \`${provider}\` that has a key`, {
      hint: meant === undefined ? `they are ${all.join(', ')}` : `did you mean \`${meant}\`?`,
    });
  }
  if (globals.dryRun !== true) await logins.logIn(provider, signal);
  return {
    kind: 'document',
    document: { provider, package: place.package, loggedIn: globals.dryRun !== true },
    text: `${globals.dryRun === true ? 'would keep' : 'kept'} the login at ${oneLine(provider)}; only ${oneLine(place.package)} is handed it\n`,
  };
}

/** @throws {DashError} USAGE, LOGIN_REFUSED */
function usesBrowser(provider: string, asked: boolean, way: Exclude<LoginWay, { readonly kind: 'unknown' }>): boolean {
  switch (way.kind) {
    case 'browser':
      return true;
    case 'key':
      if (!asked || way.alsoBrowser) return asked;
      if (way.noBrowser !== undefined)
        throw new DashError('LOGIN_REFUSED', `\`${provider}\` cannot be logged into: ${way.noBrowser}`, {
          hint: `\`dash login ${provider}\` keeps an API key`,
        });
      throw new DashError('USAGE', `\`${provider}\` has no login in a browser`, { hint: `\`dash login ${provider}\` keeps a key` });
    case 'refused':
      throw new DashError('LOGIN_REFUSED', `\`${provider}\` cannot be logged into: ${way.reason}`, {
        hint: 'use a provider with an API key: `dash models --all` lists them',
      });
  }
}

function show(step: LoginStep, { stderr, canAsk }: Invocation): void {
  if (step.kind === 'code') {
    stderr.write(`open ${oneLine(step.url)} on any machine, and type ${stderr.style.strong(oneLine(step.code))}\n`);
    return;
  }
  const isOpened = canAsk && openBrowser(step.url);
  stderr.write(`${isOpened ? 'log in in the browser; if none opened, go to' : 'open this on this machine:'} ${oneLine(step.url)}\n`);
}
