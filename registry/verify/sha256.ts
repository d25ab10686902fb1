import { hash } from 'node:crypto';

/** In one call: for thousands of small files an object for each would take longer than hashing them. */
export function sha256(data: Buffer | string): string {
  return hash('sha256', data, 'hex');
}
