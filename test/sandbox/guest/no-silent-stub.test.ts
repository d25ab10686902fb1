import { describe, expect, it } from 'vitest';
import { createContext } from '../../../sandbox/guest/api/context.ts';
import { createExtensionApi } from '../../../sandbox/guest/api/extension-api.ts';
import { Registry } from '../../../sandbox/guest/api/registry.ts';
import { Stage } from '../../../sandbox/guest/api/stage.ts';
import type { GuestLink } from '../../../sandbox/guest/link.ts';

/** A link that keeps what was sent. */
function recordingLink(): { link: GuestLink; sent: string[] } {
  const sent: string[] = [];
  const link: GuestLink = {
    facts: { cwd: '/w', home: '/h', tmp: '/t', agentDir: '/a', env: {}, platform: 'linux', arch: 'x64', columns: 80 },
    request: async (capability) => {
      sent.push(capability);
      return capability === 'exec.run' ? { code: 0, signal: null, stdout: { base64: '' }, stderr: { base64: '' } } : {};
    },
    requestSync: (capability) => void sent.push(capability),
    native: () => '',
    subscribe: (capability) => {
      sent.push(capability);
      return { close: () => undefined };
    },
    startTimer: () => ({ cancel: () => undefined }),
    listens: () => void sent.push('listens'),
    // what a user or an author does not see unless they look for it does not count
    log: (level) => void (level === 'debug' || sent.push(`log ${level}`)),
  };
  return { link, sent };
}

/** Members that neither ask nor tell, with the reason: what they answer is true as it is. */
const ANSWERS: Readonly<Record<string, string>> = {
  'pi.getFlag': 'while a factory runs, the default; asked of the host in a call (below)',
  'ctx.modelRegistry.getApiKeyAndHeaders': 'a refusal with its reason, in pi\u2019s own form',
  'ctx.modelRegistry.getApiKey': 'credentials stay with the host: pi answers the same for a provider without one',
  'ctx.modelRegistry.getApiKeyForProvider': 'credentials stay with the host: pi answers the same for a provider without one',
  'ctx.modelRegistry.isUsingOAuth': 'how the host authenticates is not told, so nothing may lean on it',
  'ctx.modelRegistry.getProviderDisplayName': 'the host knows providers by one name',
  'ctx.modelRegistry.getError': 'the host offers models that it could load, and no others',
  'ctx.modelRegistry.refresh': 'the list is asked for anew at every look',
  'ctx.sessionManager.getCwd': 'a fact of the isolate',
  'ctx.ui.getEditorComponent': 'no component was set: setting one says so',
  'ctx.ui.getAllThemes': 'packages see one theme, which has no colours',
  'ctx.ui.getTheme': 'packages see one theme, which has no colours',
  'ctx.ui.setTheme': 'a refusal with its reason, in pi\u2019s own form',
  'ctx.ui.getToolsExpanded': 'nothing is drawn that could be expanded: setting it says so',
};

const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  'pi.on': ['session_start', () => undefined],
  'pi.registerTool': [{ name: 't', execute: () => undefined }],
  'pi.registerCommand': ['c', { handler: () => undefined }],
  'pi.registerFlag': ['f', { type: 'boolean' }],
  'pi.registerShortcut': ['ctrl+x', { handler: () => undefined }],
  'pi.events.on': ['channel', () => undefined],
  'pi.registerMessageRenderer': ['note', () => undefined],
  'pi.registerEntryRenderer': ['note', () => undefined],
  'pi.registerMarkdownTransformer': [() => undefined],
  'pi.setActiveTools': [[]],
  'pi.exec': ['true', []],
  'ctx.executeTool': ['package/tool', {}],
  'ctx.modelRegistry.complete': [{ provider: 'p', id: 'm' }, { messages: [] }],
  'ctx.modelRegistry.hasConfiguredAuth': [{ provider: 'p', id: 'm' }],
  'ctx.ui.select': ['title', ['a']],
};

function functionsOf(holder: object, path: string): [string, (...args: unknown[]) => unknown][] {
  return Object.entries(Object.getOwnPropertyDescriptors(holder)).flatMap(([name, { value }]): [string, (...args: unknown[]) => unknown][] => {
    if (typeof value === 'function') return [[`${path}.${name}`, value as (...args: unknown[]) => unknown]];
    // a theme paints in no colours, a signal is the platform's
    return typeof value === 'object' && value !== null && !['theme', 'signal'].includes(name) ? functionsOf(value as object, `${path}.${name}`) : [];
  });
}

async function outcome(run: () => unknown): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message;
  }
}

describe('every member of the API does something that can be seen', () => {
  const { link, sent } = recordingLink();
  const nothing = () => undefined;
  const registry = new Registry(link, nothing, new Stage(link, nothing));
  const api = createExtensionApi(registry, link);
  const context = createContext(registry, link, { mode: 'print', hasUI: false }, new AbortController().signal, true);
  const members = [...functionsOf(api, 'pi'), ...functionsOf(context, 'ctx')];
  const isRegistration = (path: string): boolean => /^pi\.(on|register\w+|getFlag|events\.on)$/.test(path);

  it('has members to walk', () => {
    expect(members.length).toBeGreaterThan(75);
    expect(Object.keys(ANSWERS).filter((path) => !members.some(([known]) => known === path))).toEqual([]);
  });

  it.each(members.filter(([path]) => isRegistration(path)))('%s, while the factory runs', async (path, member) => {
    registry.begin(0);
    const before = JSON.stringify(registry.registrations(0));
    sent.length = 0;
    const refusal = await outcome(() => member(...(SAMPLES[path] ?? ['name', { handler: () => undefined, type: 'string' }])));
    const registered = JSON.stringify(registry.registrations(0)) !== before;
    expect(registered || sent.length > 0 || refusal?.startsWith('UNSUPPORTED_') === true || path in ANSWERS).toBe(true);
  });

  it.each(members.filter(([path]) => !isRegistration(path)))('%s, in a call', async (path, member) => {
    registry.open();
    sent.length = 0;
    const refusal = await outcome(() => member(...(SAMPLES[path] ?? ['a', 'b'])));
    const doesSomething = sent.length > 0 || refusal?.startsWith('UNSUPPORTED_') === true;
    // an entry of the table that does something is out of date
    expect({ path, doesSomething }).toEqual({ path, doesSomething: !(path in ANSWERS) });
  });

  it('getFlag asks the host in a call', () => {
    sent.length = 0;
    (api as { getFlag(name: string): unknown }).getFlag('f');
    expect(sent).toEqual(['agent.flag']);
  });

  it.each([
    ['appendCompaction', (session: Record<string, (...given: unknown[]) => unknown>) => session['appendCompaction']?.('all of it')],
    [
      'appendMessage of a result',
      (session: Record<string, (...given: unknown[]) => unknown>) => session['appendMessage']?.({ role: 'toolResult', content: [] }),
    ],
  ])('newSession with a `setup` refuses %s, and begins nothing', async (_, write) => {
    sent.length = 0;
    const { newSession } = context as { newSession(options: object): Promise<unknown> };
    expect(await outcome(() => newSession({ setup: write }))).toBe('UNSUPPORTED_API');
    expect(sent).toEqual([]);
  });
});
