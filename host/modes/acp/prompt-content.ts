import { fileURLToPath } from 'node:url';
import { type ContentBlock, type EmbeddedResource, RequestError, type ResourceLink } from '@agentclientprotocol/sdk';
import { imageSize } from '../../images/image-size.ts';
import type { ImageContent } from '../../model/messages.ts';

/** What a prompt of a client says to the model. */
export interface PromptContent {
  readonly text: string;
  readonly images: readonly ImageContent[];
}

/**
 * Turns the blocks of a prompt into text and images. A link stands where it was put, as a path that a tool can read;
 * what was embedded follows at the end, named, so that the sentence of the user's stays one. @throws {RequestError} invalid params
 */
export function readPrompt(blocks: readonly ContentBlock[]): PromptContent {
  const said: string[] = [];
  const embedded: string[] = [];
  const images: ImageContent[] = [];
  for (const block of blocks) {
    switch (block.type) {
      case 'text':
        said.push(block.text);
        break;
      case 'image':
        images.push(imageOf(block.data));
        break;
      case 'resource_link':
        said.push(linkText(block));
        break;
      case 'resource': {
        const { resource } = block;
        if (!('text' in resource) && resource.mimeType?.startsWith('image/') === true && resource.mimeType !== 'image/svg+xml') {
          images.push(imageOf(resource.blob));
          break;
        }
        const text = 'text' in resource ? resource.text : textIn(resource.blob);
        if (text === undefined) throw RequestError.invalidParams(undefined, unreadable(resource));
        said.push(placeOf(resource.uri));
        embedded.push(contextText(resource.uri, text));
        break;
      }
      case 'audio':
        throw RequestError.invalidParams(undefined, 'audio is not understood');
    }
  }
  const text = [said.join(''), ...embedded].join('\n\n').trim();
  if (text === '' && images.length === 0) throw RequestError.invalidParams(undefined, 'the prompt is empty');
  return { text, images };
}

function linkText({ uri, name }: ResourceLink): string {
  return uri.startsWith('file:') ? placeOf(uri) : `[${name}](${uri})`;
}

/** A file's path, in backticks, so that a name with spaces is one word; anything else as it is called. */
function placeOf(uri: string): string {
  if (!uri.startsWith('file:')) return uri;
  try {
    return `\`${fileURLToPath(uri)}\`${new URL(uri).hash}`;
  } catch {
    return uri;
  }
}

/** What is embedded is material and not the user's word: it cannot close the mark that says so. */
function contextText(uri: string, text: string): string {
  return `<context uri="${uri.replaceAll(/["<>]/g, encodeURIComponent)}">\n${text.replaceAll(/<(?=\/?context)/gi, '&lt;')}\n</context>`;
}

/** What an image is stands in its first bytes: a model refuses one that says it is something else, in every later request too. */
function imageOf(data: string): ImageContent {
  const mimeType = imageSize(Buffer.from(data.slice(0, 64), 'base64'))?.mimeType;
  if (mimeType === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(data))
    throw RequestError.invalidParams(undefined, 'an image is a PNG, JPEG, GIF or WebP, in base64');
  return { type: 'image', data, mimeType };
}

/** A client may send any file as bytes. */
function textIn(blob: string): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(blob, 'base64'));
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

function unreadable({ uri, mimeType }: EmbeddedResource['resource']): string {
  return `\`${uri}\` (${mimeType ?? 'of no type'}) is neither text nor an image`;
}
