declare module 'npm-registry-fetch' {
  const npmFetch: {
    json(path: string, options: Readonly<Record<string, unknown>>): Promise<unknown>;
  };
  export default npmFetch;
}
