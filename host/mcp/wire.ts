/** A message of JSON-RPC, as it goes out. */
export interface OutgoingMessage {
  readonly jsonrpc: '2.0';
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: object;
  /** Of an answer to what the server asked. */
  readonly result?: object;
  readonly error?: object;
}

/** What a server says by way of a wire. */
export interface WireEvents {
  /** One message, as text. */
  message(text: string): void;
  /** The request of this number got no answer, and will get none. */
  unanswered(id: number, why: string): void;
  /** The server is gone. */
  ended(why: string): void;
}

/** The way to one server. */
export interface Wire {
  /** Never fails: what goes wrong is told. */
  send(message: OutgoingMessage): void;
  /** The version of the protocol that both speak. */
  negotiated(version: string): void;
  /** Lets go of the server; resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** A server that never ends a message must not fill the memory. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

/** What waits for a server that does not take it: one that asks on and on, and never hears an answer, must not either. */
export const MAX_UNTAKEN = { messages: 1_000, characters: 2 * MAX_MESSAGE };

/** Why such a server is left. */
export const DEAF = 'it does not take what it is sent';
