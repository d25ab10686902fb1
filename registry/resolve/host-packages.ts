/** Packages that the host provides inside the sandbox, and in which version. They are never installed. */
const PI_VERSION = '0.87.1';
const PROVIDED: ReadonlyMap<string, string> = new Map([
  ...['@earendil-works', '@mariozechner'].flatMap((scope) =>
    ['pi-coding-agent', 'pi-agent-core', 'pi-agent', 'pi-ai', 'pi-tui'].map((name) => [`${scope}/${name}`, PI_VERSION] as const),
  ),
  ['dash-agent', '0.1.0'],
  ['typebox', '1.3.27'],
  // one instance of typebox answers to both names, and its API is a superset of the old one's
  ['@sinclair/typebox', '0.34.52'],
]);

/** Gives the version the host provides, `undefined` for a package that must be installed. */
export function providedVersion(name: string): string | undefined {
  return PROVIDED.get(name);
}
