declare module 'npm-registry-fetch' {
  interface NpmFetch {
    (
      path: string,
      options: Readonly<Record<string, unknown>>,
    ): Promise<{ readonly headers: { get(name: string): string | null }; readonly body: AsyncIterable<Buffer> }>;
    json(path: string, options: Readonly<Record<string, unknown>>): Promise<unknown>;
  }
  const npmFetch: NpmFetch;
  export default npmFetch;
}
