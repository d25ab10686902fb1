import { isDelegated } from '../../../../registry/index.ts';
import { keepKey, knownProviders, logInByBrowser, loginWay } from '../../../model/log-in.ts';
import { choose } from '../search-panel.ts';
import { secretPanel } from '../secret-panel.ts';
import type { CommandContext, ScreenCommand } from './command.ts';

export const login: ScreenCommand = {
  name: 'login',
  description: 'keep the key of a provider, or log in at it: `/login [provider]`',
  takesWords: true,
  async run(words, context) {
    const { host, say, signal } = context;
    if (isDelegated()) return say('a program that an agent started keeps no keys', 'warning');
    const provider = words === '' ? await chooseProvider(context) : words;
    if (provider === undefined) return;
    const way = await loginWay(host.dashHome, provider);
    switch (way.kind) {
      case 'unknown': {
        const places = await host.providers.places();
        const place = places.find((one) => one.provider === provider);
        if (place === undefined)
          return say(
            `there is no provider \`${provider}\` that has a key; they are ${[...way.known, ...places.map((one) => one.provider)].join(', ')}`,
            'warning',
          );
        await host.providers.logIn(provider, signal);
        await takeUp(context);
        return say(`kept the login at ${provider}; only ${place.package} is handed it`, 'muted');
      }
      case 'refused':
        return say(`\`${provider}\` cannot be logged into: ${way.reason}`, 'warning');
      case 'browser':
        await logInByBrowser(host.dashHome, provider, {
          signal,
          show: (step) => say(step.kind === 'code' ? `open ${step.url} on any machine, and type ${step.code}` : `open this on this machine: ${step.url}`),
        });
        break;
      case 'key': {
        const key = (await askKey(provider, context))?.trim();
        if (key === undefined || key === '') return;
        await keepKey(host.dashHome, provider, key);
      }
    }
    await takeUp(context);
    say(`kept the login at ${provider}; a variable of the environment goes before it`, 'muted');
  },
};

async function chooseProvider(context: CommandContext): Promise<string | undefined> {
  const known = await knownProviders(context.host.dashHome);
  const ofPackages = await context.host.providers.places();
  const choices = [
    ...known.map((value) => ({ value, label: value })),
    ...ofPackages.map(({ provider: value, package: owner, isLoggedIn }) => ({
      value,
      label: value,
      description: `of ${owner}${isLoggedIn ? ', logged in' : ''}`,
    })),
  ];
  return choose(context, { title: 'log in at which provider?', choices });
}

function askKey(provider: string, { screen, palette }: CommandContext): Promise<string | undefined> {
  return screen.modal<string>((done) => secretPanel(`the key of ${provider}; it is kept for you alone`, palette, done), { isSecret: true });
}

/** Whoever had no model has one now. */
async function takeUp({ host }: CommandContext): Promise<void> {
  await host.reload();
  const [first] = host.models;
  if (host.conversation.model === undefined && first !== undefined) host.conversation.setModel(first);
}
