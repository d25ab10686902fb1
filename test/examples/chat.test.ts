import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createChatHost, serveChat } from '../../examples/chat/server.ts';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { CHROMIUM, openPage } from '../support/browser.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const turns = [
  { text: 'I roll two', toolCalls: [{ name: 'roll', arguments: { dice: 2 } }] },
  { text: 'there <b>they</b> are' },
  { text: 'never said', delayMs: 600_000 },
];

async function startChat() {
  const root = await temporaryDirectory();
  const cwd = join(root, 'workspace');
  await mkdir(cwd);
  const host = await createChatHost({ cwd, dashHome: join(root, 'home'), env: {}, models: createScriptedModel({ turns }) });
  const chat = await serveChat(host);
  return {
    host,
    url: chat.url,
    async [Symbol.asyncDispose]() {
      await chat[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}

describe('the chat of the examples', () => {
  it('answers to its own page only', async () => {
    await using chat = await startChat();
    const post = (headers: Record<string, string>, body = '{"text":"hello"}') => fetch(`${chat.url}/prompt`, { method: 'POST', headers, body });
    const foreign: readonly Record<string, string>[] = [{}, { origin: 'http://evil.example' }, { origin: 'null' }];
    for (const headers of foreign) expect((await post(headers)).status).toBe(403);
    expect((await post({ origin: chat.url }, '{"words":1}')).status).toBe(400);
    expect(chat.host.conversation.messages).toEqual([]);
    const page = await fetch(chat.url);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${chat.url}/events`, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
  });

  it('sends every event as it happens, from a tool in the sandbox as well', async () => {
    await using chat = await startChat();
    const events = await fetch(`${chat.url}/events`);
    const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    const hear = async (text: string): Promise<void> => {
      while (!heard.includes(text)) {
        const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
        if (done || value === undefined) throw new Error(`the stream ended before ${text}`);
        heard += value;
      }
    };
    await hear('"history"');
    const sent = await fetch(`${chat.url}/prompt`, {
      method: 'POST',
      headers: { origin: chat.url, 'content-type': 'application/json' },
      body: '{"text":"roll"}',
    });
    expect(await sent.json()).toEqual({ kind: 'started' });
    await hear('agent_settled');
    expect(heard).toMatch(/rolled \d, \d/);
    expect(heard).not.toContain('"partial"');
    await reader?.cancel();
  });

  it.skipIf(CHROMIUM === undefined)('is a chat in a browser: says, shows a tool, stops (skipped where there is no Chromium)', async () => {
    await using chat = await startChat();
    await using page = await openPage(chat.url);
    await page.until("document.querySelector('#said')?.dataset.ready === 'yes'");
    const say = (words: string) =>
      page.evaluate(`document.querySelector('#text').value = ${JSON.stringify(words)}; document.querySelector('#say').requestSubmit()`);
    await say('roll <i>two</i>');
    await page.until("document.querySelectorAll('article').length === 4 && document.querySelector('#said').getAttribute('aria-busy') === 'false'");
    expect(await page.evaluate("[...document.querySelectorAll('article')].map((one) => one.className).join()")).toBe('user,assistant,tool,assistant');
    expect(await page.evaluate("document.querySelector('article.tool').textContent")).toMatch(/^roll: rolled \d, \d$/);
    // what anybody says stays text
    expect(await page.evaluate("document.querySelector('#said').querySelectorAll('b, i').length")).toBe(0);
    expect(await page.evaluate("[...document.querySelectorAll('article')].at(-1).textContent")).toBe('there <b>they</b> are');
    await say('and now wait');
    await page.until("document.querySelector('#said').getAttribute('aria-busy') === 'true'");
    await page.evaluate("document.querySelector('#stop').click()");
    await page.until("document.querySelector('#said').getAttribute('aria-busy') === 'false'");
    // who comes back sees what was said
    await page.evaluate('location.reload()');
    await page.until("document.querySelector('#said')?.dataset.ready === 'yes' && document.querySelectorAll('article').length >= 5");
  });
});
