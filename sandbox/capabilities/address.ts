import { isPublicAddress } from '../../format/index.ts';

/**
 * Tells whether a connection to `address` (a plain IP, as a resolver gives it) leaves for the public internet. The
 * addresses that do not are the same as in permissions; an IPv4 address in IPv6 clothes counts as what it is.
 */
export function leadsToInternet(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return isPublicAddress(mapped ?? address);
}
