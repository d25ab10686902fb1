/** The parts used here of npm's libraries that bring no types. What a registry answers is checked before it is used. */

declare module 'npm-pick-manifest' {
  export default function pickManifest(packument: unknown, wanted: string, options: { readonly before?: Date | null }): unknown;
}

declare module 'npm-registry-fetch/lib/default-opts.js' {
  const defaults: { readonly registry: string };
  export default defaults;
}
