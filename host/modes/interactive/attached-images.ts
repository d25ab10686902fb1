import type { ImageContent } from '../../model/messages.ts';

/** Images of the prompt that is being written. Each has a mark in the text, and goes with it when the mark is deleted. */
export interface AttachedImages {
  /** @returns the mark that stands for it */
  add(image: ImageContent): string;
  /** The images whose marks are in `text`; the next prompt begins without any. */
  take(text: string): readonly ImageContent[];
}

/** Makes an empty collection. */
export function attachedImages(): AttachedImages {
  let images: ImageContent[] = [];
  return {
    add(image) {
      return `[image ${images.push(image)}]`;
    },
    take(text) {
      const taken = images.filter((_, index) => text.includes(`[image ${index + 1}]`));
      images = [];
      return taken;
    },
  };
}
