import { PassThrough } from 'node:stream';
import type { Component } from '@earendil-works/pi-tui';
import { expect, it } from 'vitest';
import { MainScreen } from '../../../host/modes/interactive/screen.ts';
import { StreamTerminal } from '../../../host/modes/interactive/terminal.ts';

/** Something that takes keys, and what it was given. */
function listener(): { readonly component: Component; readonly heard: string[] } {
  const heard: string[] = [];
  return { heard, component: { render: () => ['here'], handleInput: (data) => void heard.push(data), invalidate: () => undefined } };
}

/** A screen, and keys that are taken before `type` returns. */
function openScreen(): { readonly screen: MainScreen; readonly type: (keys: string) => void; readonly stop: () => void } {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough().resume(), { columns: 80, rows: 24 });
  const screen = new MainScreen({ terminal: new StreamTerminal({ input, output, lost: () => undefined }), transcript: { parts: [] }, now: () => 0 });
  screen.painter.start();
  return { screen, type: (keys) => void input.emit('data', keys), stop: () => screen.painter.stop() };
}

it('a key between two panels that belong together reaches neither the editor nor the panel after it; ctrl+c does', async () => {
  const { screen, type, stop } = openScreen();
  const editor = listener();
  const panels = [listener(), listener()];
  screen.useEditor(editor.component);
  const close: (() => void)[] = [];
  const closed = Promise.withResolvers<void>();
  const between = Promise.withResolvers<void>();
  const open = (at: number): Promise<string | undefined> =>
    screen.modal<string>((done) => {
      close[at] = () => done('closed');
      const panel = panels[at];
      if (panel === undefined) throw new Error('there are two panels');
      return panel.component;
    });
  const series = screen.series(async () => {
    await open(0);
    closed.resolve();
    await between.promise;
    await open(1);
  });

  await expect.poll(() => close[0]).toBeDefined();
  type('a');
  close[0]?.();
  await closed.promise;
  for (const key of ['b', '\r', '\u0004', '\u0003']) type(key);
  between.resolve();
  await expect.poll(() => close[1]).toBeDefined();
  type('c');
  close[1]?.();
  await series;
  type('d');
  stop();

  expect(panels.map(({ heard }) => heard)).toEqual([['a'], ['c']]);
  expect(editor.heard).toEqual(['\u0003', 'd']);
});

it('keys are typed again when a series fails', async () => {
  const { screen, type, stop } = openScreen();
  const editor = listener();
  screen.useEditor(editor.component);
  await expect(screen.series(() => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
  type('x');
  stop();
  expect(editor.heard).toEqual(['x']);
});
