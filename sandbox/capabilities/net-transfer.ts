import { Type } from '@sinclair/typebox';
import { type CapabilityContext, CapabilityFailure, defineCapability, type Need } from '../define-capability.ts';

/** What one answer may bring, piece by piece; nobody here holds more than one piece of it. */
const MAX_TRANSFER_BYTES = 256 * 1024 * 1024;
const MAX_OPEN_TRANSFERS = 32;
/** Bytes of one piece: a message of the pipe has an end. */
const PIECE_BYTES = 256 * 1024;

interface Transfer {
  readonly need: Need;
  readonly pieces: AsyncIterator<Buffer>;
  end(): void;
}

const open = new WeakMap<CapabilityContext, Map<number, Transfer>>();
let nextId = 1;

/**
 * Keeps the body of an answer for the package that fetched it, which reads it at its own pace: what is not asked for stays
 * with the server. It ends with `signal`.
 */
export function keepTransfer(
  context: CapabilityContext,
  { need, body, destroy, signal }: { need: Need; body: AsyncIterable<unknown>; destroy: () => void; signal: AbortSignal },
): number {
  const transfers = open.get(context) ?? new Map<number, Transfer>();
  open.set(context, transfers);
  if (transfers.size >= MAX_OPEN_TRANSFERS) {
    destroy();
    throw new CapabilityFailure({ code: 'EMFILE', message: `more than ${MAX_OPEN_TRANSFERS} answers are not read to their end: read or cancel their bodies` });
  }
  const id = nextId++;
  const end = (): void => {
    signal.removeEventListener('abort', end);
    transfers.delete(id);
    destroy();
  };
  signal.addEventListener('abort', end, { once: true });
  transfers.set(id, { need, pieces: piecesOf(body), end });
  return id;
}

async function* piecesOf(body: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of body) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MAX_TRANSFER_BYTES) throw new CapabilityFailure({ code: 'EFBIG', message: `an answer is larger than ${MAX_TRANSFER_BYTES} bytes` });
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) yield bytes.subarray(start, start + PIECE_BYTES);
  }
}

/** The next piece of a body, or its end. It was decided on when it was fetched; a revocation ends it here. */
export const readTransfer = defineCapability({
  kind: 'request',
  name: 'net.read',
  params: Type.Object({ transfer: Type.Integer({ minimum: 0 }), cancel: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
  needs: () => [],
  run: async ({ transfer: id, cancel }, context, { permits }) => {
    const transfer = open.get(context)?.get(id);
    if (transfer === undefined) {
      if (cancel === true) return { done: true };
      throw new CapabilityFailure({ code: 'ECONNRESET', message: 'the transfer has ended: it was read, cancelled, or its call is over' });
    }
    if (cancel !== true && !permits(transfer.need)) {
      transfer.end();
      throw new CapabilityFailure({ code: 'EACCES', message: `EACCES: permission denied: it was revoked, net.read '${transfer.need.target}'` });
    }
    if (cancel === true) {
      transfer.end();
      return { done: true };
    }
    try {
      const next = await transfer.pieces.next();
      if (next.done !== true) return { base64: next.value.toString('base64') };
      transfer.end();
      return { done: true };
    } catch (error) {
      transfer.end();
      throw error;
    }
  },
});
