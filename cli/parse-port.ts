import { DashError } from '../format/index.ts';

/** Reads `--port`; 0 is a free one. @throws {DashError} USAGE */
export function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new DashError('USAGE', `\`${text}\` is not a port`, { hint: 'a port is a number from 0 to 65535; 0 takes a free one' });
}
