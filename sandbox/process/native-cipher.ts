import type { CipherGCM, DecipherGCM } from 'node:crypto';

/** A cipher as a guest orders it: key and nonce are values, as everything it works on. */
export interface CipherOrder {
  readonly kind: 'cipher';
  readonly decrypt: boolean;
  readonly algorithm: string;
  readonly key: string;
  /** `null`: an algorithm without one. */
  readonly iv: string | null;
  readonly options: Readonly<Record<string, number>>;
  readonly aad?: readonly { readonly bytes: string; readonly plaintextLength?: number }[];
  /** Of what is decrypted; it may come as late as with the end. */
  readonly tag?: string;
  readonly padding?: boolean;
}

export interface RunningCipher {
  write(bytes: Buffer): Promise<Buffer>;
  /** The tag behind its length, of an algorithm that makes one, and the rest. */
  end(tag?: Buffer): Promise<Buffer>;
  close(): void;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Begins one. @throws Node's error for what its OpenSSL does not have */
export function startCipher({ decrypt, algorithm, key, iv, options, aad = [], tag, padding }: CipherOrder): RunningCipher {
  const { createCipheriv, createDecipheriv } = process.getBuiltinModule('crypto');
  const make = decrypt ? createDecipheriv : createCipheriv;
  const cipher = make(algorithm, bytesOf(key), iv === null ? null : bytesOf(iv), options) as CipherGCM | DecipherGCM;
  if (tag !== undefined && 'setAuthTag' in cipher) cipher.setAuthTag(bytesOf(tag));
  for (const { bytes, plaintextLength } of aad) cipher.setAAD(bytesOf(bytes), plaintextLength === undefined ? undefined : { plaintextLength });
  if (padding !== undefined) cipher.setAutoPadding(padding);
  return {
    write: async (bytes) => cipher.update(bytes),
    end: async (late) => {
      if (late !== undefined && 'setAuthTag' in cipher) cipher.setAuthTag(late);
      const rest = cipher.final();
      const made = !decrypt && 'getAuthTag' in cipher ? tagOf(cipher) : Buffer.alloc(0);
      return Buffer.concat([Buffer.from([made.length]), made, rest]);
    },
    close: () => undefined,
  };
}

/** Most algorithms have none, and say so by an error. */
function tagOf(cipher: CipherGCM): Buffer {
  try {
    return cipher.getAuthTag();
  } catch {
    return Buffer.alloc(0);
  }
}
