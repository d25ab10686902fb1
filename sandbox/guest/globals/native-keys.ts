import type { Wire } from '../../process/native-keys.ts';
import { askNative, bytesToLatin1, latin1ToBytes } from './native-work.ts';
import { viewBytes } from './text-encoding.ts';

/** How a key of ours goes along with an order: as a value, which nobody but the runtime can take out of it. */
export type KeyWire = { readonly $: 'key' | 'webkey'; readonly type: string; readonly v: string; readonly [more: string]: Wire };

const wires = new WeakMap<object, KeyWire>();

/** Keeps the value of a key out of reach of whoever holds the key. */
export function keepKey(key: object, wire: KeyWire): void {
  wires.set(key, wire);
}

/** @throws TypeError for what is no key of ours */
export function keyWire(key: unknown): KeyWire {
  const wire = typeof key === 'object' && key !== null ? wires.get(key) : undefined;
  if (wire === undefined) throw Object.assign(new TypeError('the key is not one of this runtime'), { code: 'ERR_INVALID_ARG_TYPE' });
  return wire;
}

/** Asks for one of the calls of process/native-keys.ts. Bytes come back as bytes. @throws Node's error */
export function callWithKeys(call: string, ...args: readonly unknown[]): unknown {
  return fromWire(JSON.parse(askNative({ do: 'keys', call, args: args.map(toWire) })) as Wire);
}

function toWire(value: unknown): Wire {
  if (typeof value === 'bigint') return { $: 'bigint', v: String(value) };
  if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) return null;
  if (typeof value !== 'object' || value === null) return value as Wire;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return { $: 'bytes', v: bytesToLatin1(viewBytes(value)) };
  const key = wires.get(value);
  if (key !== undefined) return key;
  if (Array.isArray(value)) return value.map(toWire);
  return Object.fromEntries(Object.entries(value).flatMap(([name, child]) => (child === undefined ? [] : [[name, toWire(child)]])));
}

function fromWire(value: Wire): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(fromWire);
  const { $, v } = value as Readonly<Record<string, Wire>>;
  if ($ === 'bytes' && typeof v === 'string') return latin1ToBytes(v);
  if ($ === 'bigint' && typeof v === 'string') return BigInt(v);
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, fromWire(child as Wire)]));
}
