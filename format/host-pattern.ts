import { createRequire } from 'node:module';
import type { BlockList } from 'node:net';
import type { Refuse } from './permission-syntax.ts';

const require = createRequire(import.meta.url);

/** Loaded when the first host is looked at: it brings sockets and streams along, and most commands need none. */
const net = (): typeof import('node:net') => process.getBuiltinModule('node:net');

/** The hosts a permission speaks of. Addresses of version 6 are kept without brackets. */
export type HostPattern =
  | { readonly kind: 'name'; readonly name: string }
  /** One label or more below `suffix`; never `suffix` itself. */
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'cidr'; readonly address: string; readonly prefix: number };

/**
 * Everything that is not the public internet (IANA special-purpose registries, and the forms of IPv6 that carry an
 * IPv4 address: who may reach those must name the IPv4 address).
 */
const SPECIAL: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

/** Made when the first address is looked at: most commands never ask. */
let specialBlocks: Readonly<Record<'ipv4' | 'ipv6', BlockList>> | undefined;

function special(version: 'ipv4' | 'ipv6'): BlockList {
  if (specialBlocks === undefined) {
    // one list for each version: a BlockList takes every IPv4 address for a member of ::ffff:0:0/96
    specialBlocks = { ipv4: new (net().BlockList)(), ipv6: new (net().BlockList)() };
    for (const [address, prefix] of SPECIAL) {
      const of = net().isIPv4(address) ? 'ipv4' : 'ipv6';
      specialBlocks[of].addSubnet(address, prefix, of);
    }
  }
  return specialBlocks[version];
}

/** Tells whether an IP address, with or without brackets, is on the public internet. Anything else is not. */
export function isPublicAddress(address: string): boolean {
  const bare = unbracket(address);
  const version = versionOf(bare);
  return version !== undefined && !special(version).check(bare, version);
}

/** Reads a host: a name, `*.suffix`, an IPv4 address or `[IPv6]`. */
export function parseHost(text: string, at: number, refuse: Refuse): HostPattern {
  if (text === '') return refuse(at, 'a host is missing');
  if (text === '*') return refuse(at, 'a permission for every host does not exist', 'name the hosts, or a suffix such as `*.example.com`');
  if (text.startsWith('*.')) return { kind: 'suffix', suffix: parseSuffix(text.slice(2), at + 2, refuse) };
  if (text.includes('*')) return refuse(at + text.indexOf('*'), '`*` may only stand before the first dot');
  const hostname = normalise(text, at, refuse);
  const bare = unbracket(hostname);
  if (versionOf(bare) === undefined) return { kind: 'name', name: hostname };
  if (inRange('::ffff:0:0', 96, bare)) return refuse(at, 'an IPv4 address in IPv6 clothes', 'write the IPv4 address');
  return { kind: 'address', address: bare };
}

/** Reads `ADDRESS/PREFIX`; bits after the prefix must be zero. */
export function parseCidr(text: string, at: number, refuse: Refuse): HostPattern {
  const [written = '', bits = '', ...rest] = text.split('/');
  const address = net().isIPv6(written) ? unbracket(normalise(`[${written}]`, at, refuse, `[${written.toLowerCase()}]`)) : written;
  const version = versionOf(address);
  if (version === undefined) return refuse(at, `\`${written}\` is not an IP address`, 'write `net:cidr:10.0.0.0/8`');
  const widest = version === 'ipv4' ? 32 : 128;
  if (rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > widest) {
    return refuse(at + written.length + 1, `a prefix length from 0 to ${widest} is missing`);
  }
  const prefix = Number(bits);
  if (toBits(address) & ((1n << BigInt(widest - prefix)) - 1n))
    return refuse(at, 'the address has bits after its prefix', `the network's first address is meant`);
  return { kind: 'cidr', address, prefix };
}

export function formatHost(host: HostPattern): string {
  switch (host.kind) {
    case 'name':
      return host.name;
    case 'suffix':
      return `*.${host.suffix}`;
    case 'address':
      return net().isIPv6(host.address) ? `[${host.address}]` : host.address;
    case 'cidr':
      return `cidr:${host.address}/${host.prefix}`;
  }
}

/** Tells whether a host, normalised by WHATWG rules, is meant. */
export function hostMatches(pattern: HostPattern, host: string): boolean {
  return hostContains(pattern, hostOf(host));
}

/**
 * Tells whether `outer` holds every host of `inner`. A range opens addresses that are not public only when all of it
 * lies in one special range: `cidr:0.0.0.0/0` names neither loopback nor the local network.
 */
export function hostContains(outer: HostPattern, inner: HostPattern): boolean {
  switch (outer.kind) {
    case 'name':
      return inner.kind === 'name' && inner.name === outer.name;
    case 'suffix':
      return (inner.kind === 'name' && inner.name.endsWith(`.${outer.suffix}`)) || (inner.kind === 'suffix' && `.${inner.suffix}`.endsWith(`.${outer.suffix}`));
    case 'address':
      return (inner.kind === 'address' || inner.kind === 'cidr') && rangeContains(asRange(outer), asRange(inner));
    case 'cidr':
      return (inner.kind === 'address' || inner.kind === 'cidr') && rangeContains(outer, asRange(inner)) && (!isSpecial(asRange(inner)) || isSpecial(outer));
  }
}

/** Tells whether some host is meant by both. A denial counts every address of its range. */
export function hostsOverlap(a: HostPattern, b: HostPattern): boolean {
  if ((a.kind === 'address' || a.kind === 'cidr') && (b.kind === 'address' || b.kind === 'cidr')) {
    return rangeContains(asRange(a), asRange(b)) || rangeContains(asRange(b), asRange(a));
  }
  return hostContains(a, b) || hostContains(b, a);
}

/** Tells whether an address, as the host of a request, lies in the range or is the address; public or not. */
export function rangeHolds(pattern: HostPattern, host: string): boolean {
  return hostsOverlap(pattern, hostOf(host));
}

/** Gives the pattern that means this one host, normalised by WHATWG rules. */
export function hostOf(host: string): HostPattern {
  const bare = unbracket(host);
  return versionOf(bare) === undefined ? { kind: 'name', name: host } : { kind: 'address', address: bare };
}

interface Range {
  readonly address: string;
  readonly prefix: number;
}

function parseSuffix(text: string, at: number, refuse: Refuse): string {
  const suffix = normalise(text, at, refuse);
  if (versionOf(unbracket(suffix)) !== undefined) refuse(at, 'an address has no subdomains');
  if (suffix === 'localhost' || suffix.endsWith('.localhost')) refuse(at, 'this machine must be named literally', 'name `localhost:PORT`');
  // the list of public suffixes takes 7 ms to load, and most permissions name no suffix
  const { getPublicSuffix }: typeof import('tldts') = require('tldts');
  // anyone can register below a public suffix: `*.github.io` would be everybody's pages
  if (getPublicSuffix(suffix, { allowPrivateDomains: true }) === suffix)
    refuse(at, `\`${suffix}\` is a public suffix: anyone can have a name below it`, 'name the hosts');
  return suffix;
}

/** Refuses every spelling that a URL parser would silently turn into another host. */
function normalise(text: string, at: number, refuse: Refuse, expected = text.toLowerCase()): string {
  const foreign = /[^\x21-\x7e]/.test(text);
  if (/[\s/\\?#@%]/.test(text)) refuse(at + text.search(/[\s/\\?#@%]/), 'this character cannot be part of a host');
  const hostname = URL.parse(`https://${text}`)?.hostname;
  if (hostname === undefined || hostname === '') return refuse(at, `\`${text}\` is not a host`);
  if (text.startsWith('[')) return net().isIPv6(unbracket(hostname)) ? hostname : refuse(at, `\`${text}\` is not an address`);
  if (!foreign && hostname !== expected) return refuse(at, `\`${text}\` means another host than it says`, `write \`${hostname}\``);
  const labels = hostname.split('.');
  if (hostname.length > 253 || !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))) refuse(at, `\`${text}\` is not a host`);
  return hostname;
}

function unbracket(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

function versionOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (net().isIPv4(address)) return 'ipv4';
  return net().isIPv6(address) ? 'ipv6' : undefined;
}

function asRange(host: Range | { readonly address: string }): Range {
  return 'prefix' in host ? host : { address: host.address, prefix: net().isIPv4(host.address) ? 32 : 128 };
}

function rangeContains(outer: Range, inner: Range): boolean {
  return outer.prefix <= inner.prefix && inRange(outer.address, outer.prefix, inner.address);
}

function isSpecial(range: Range): boolean {
  return SPECIAL.some(([address, prefix]) => rangeContains({ address, prefix }, range));
}

function inRange(network: string, prefix: number, address: string): boolean {
  const version = versionOf(address);
  return version !== undefined && version === versionOf(network) && block(network, prefix).check(address, version);
}

function block(network: string, prefix: number): BlockList {
  const list = new (net().BlockList)();
  list.addSubnet(network, prefix, net().isIPv4(network) ? 'ipv4' : 'ipv6');
  return list;
}

function toBits(address: string): bigint {
  if (net().isIPv4(address)) return address.split('.').reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...new Array<string>(zeros).fill('0'), ...right].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
