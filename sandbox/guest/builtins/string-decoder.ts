/** Makes `string_decoder`: the npm package, with the encoding `base64url` that it lacks. */
export function createStringDecoder(): Record<string, unknown> {
  const { StringDecoder: Library } = require('string_decoder/') as typeof import('node:string_decoder');
  const urlSafe = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

  class StringDecoder extends Library {
    readonly #isUrl: boolean;
    declare encoding: string;

    constructor(encoding: BufferEncoding = 'utf8') {
      const isUrl = String(encoding).toLowerCase() === 'base64url';
      if (encoding !== null && encoding !== undefined && !Buffer.isEncoding(encoding))
        throw Object.assign(new TypeError(`Unknown encoding: ${String(encoding)}`), { code: 'ERR_UNKNOWN_ENCODING' });
      super(isUrl ? 'base64' : encoding);
      this.#isUrl = isUrl;
      if (!isUrl) return;
      this.encoding = 'base64url';
      // the library puts this one on the object
      const { end } = this;
      this.end = (bytes) => urlSafe(Reflect.apply(end, this, [bytes]));
    }

    override write(bytes: Buffer): string {
      return this.#isUrl ? urlSafe(super.write(bytes)) : super.write(bytes);
    }
  }
  return { StringDecoder };
}
