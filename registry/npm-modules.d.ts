/** The parts used here of npm's libraries that bring no types. What a registry answers is checked before it is used. */

declare module 'pacote' {
  type Options = Readonly<Record<string, unknown>>;
  interface Packument {
    readonly 'dist-tags': Readonly<Record<string, string>>;
    readonly name: string;
    readonly versions: Readonly<Record<string, { readonly version: string; readonly dist: { readonly tarball: string; readonly integrity?: string } }>>;
  }
  const pacote: {
    packument(spec: string, options: Options): Promise<Packument>;
    readonly tarball: {
      (spec: string, options: Options): Promise<Buffer>;
      stream<T>(spec: string, handler: (stream: NodeJS.ReadableStream) => Promise<T>, options: Options): Promise<T>;
    };
  };
  export default pacote;
}

declare module 'npm-pick-manifest' {
  export default function pickManifest(packument: unknown, wanted: string, options: { readonly before?: Date | null }): unknown;
}

declare module 'npm-registry-fetch/lib/default-opts.js' {
  const defaults: { readonly registry: string };
  export default defaults;
}
