/** A node of a graph without the peers it is bound to: one archive, whatever stands beside it. */
export function pinOf(key: string): string {
  const peers = key.indexOf('(');
  return peers < 0 ? key : key.slice(0, peers);
}
