import { readCredentials } from '../../../model/credentials.ts';
import { forget } from '../../../model/log-in.ts';
import { choose } from '../search-panel.ts';
import type { ScreenCommand } from './command.ts';

export const logout: ScreenCommand = {
  name: 'logout',
  description: 'forget what is kept of a provider: `/logout [provider]`',
  takesWords: true,
  async run(words, context) {
    const { host, say } = context;
    const { keys, tokens } = await readCredentials(host.dashHome);
    const ofPackages = (await host.providers.places()).flatMap(({ provider, isLoggedIn }) => (isLoggedIn ? [provider] : []));
    const kept = [...new Set([...Object.keys(keys), ...Object.keys(tokens), ...ofPackages])];
    if (kept.length === 0) return say('nothing is kept of any provider');
    const provider = words === '' ? await choose(context, { title: 'log out where?', choices: kept.map((value) => ({ value, label: value })) }) : words;
    if (provider === undefined) return;
    const was = (await forget(host.dashHome, provider)) || (await host.providers.logOut(provider));
    await host.reload();
    say(was ? `forgot the login at ${provider}` : `there was no login at ${provider}`, 'muted');
  },
};
