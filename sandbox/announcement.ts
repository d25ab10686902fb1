/**
 * An event that packages are told of and not asked about: it is written as JSON once for all of them, as it was when
 * the first of them was told, and what a handler answers stays where it is.
 */
export class Announcement {
  readonly #event: object;
  #quoted: string | undefined;

  constructor(event: object) {
    this.#event = event;
  }

  /** Its JSON as it stands within a string of JSON, without the quotes. */
  get quoted(): string {
    return (this.#quoted ??= withinString(JSON.stringify(this.#event)));
  }

  /** For whoever takes it for any other event. */
  toJSON(): object {
    return this.#event;
  }
}

/** A text as it stands within a string of JSON. */
export function withinString(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
