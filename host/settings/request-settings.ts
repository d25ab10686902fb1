import { type Fitted, fitImage } from '../images/fit-image.ts';
import type { ImageContent, Message, TextContent } from '../model/messages.ts';
import type { ModelPort } from '../model/port.ts';
import { DEFAULTS, type Settings } from './settings-schema.ts';

/** Images that were looked at already: every request of a session brings those before it again. */
const KEPT = 64;

/** Applies to each request what the user's settings say of requests, as they are now: which images go out, and how much is thought. */
export function withRequestSettings(port: ModelPort, settings: () => Settings): ModelPort {
  const fitted = new Map<string, Fitted>();
  const fit = async (image: ImageContent, resize: boolean): Promise<Fitted> => {
    const key = `${resize} ${image.mimeType} ${image.data}`;
    const known = fitted.get(key) ?? (await fitImage(image, { resize }));
    fitted.delete(key);
    fitted.set(key, known);
    for (const oldest of fitted.keys()) {
      if (fitted.size <= KEPT) break;
      fitted.delete(oldest);
    }
    return known;
  };
  return {
    models: () => port.models(),
    async *stream(model, transcript, options) {
      const { images, thinkingBudgets } = settings();
      const show = { ...DEFAULTS.images, ...images };
      const messages = await Promise.all(
        transcript.messages.map((message) => withImages(message, (image) => (show.block ? Promise.resolve(BLOCKED) : fit(image, show.resize)))),
      );
      yield* port.stream(model, { ...transcript, messages }, { ...options, ...(thinkingBudgets === undefined ? {} : { thinkingBudgets }) });
    },
  };
}

const BLOCKED: Fitted = { kind: 'left out', why: 'the user keeps images from models' };

async function withImages(message: Message, fit: (image: ImageContent) => Promise<Fitted>): Promise<Message> {
  if ((message.role !== 'user' && message.role !== 'toolResult') || typeof message.content === 'string') return message;
  if (!message.content.some(({ type }) => type === 'image')) return message;
  const content = await Promise.all(message.content.map(async (block) => (block.type === 'image' ? asShown(block, await fit(block)) : [block])));
  return { ...message, content: content.flat() };
}

function asShown(image: ImageContent, fitted: Fitted): (TextContent | ImageContent)[] {
  switch (fitted.kind) {
    case 'as it is':
      return [image];
    case 'smaller':
      return [fitted.image, { type: 'text', text: `[this image is shown smaller: ${fitted.note}]` }];
    case 'left out':
      return [{ type: 'text', text: `[an image was left out: ${fitted.why}]` }];
  }
}
