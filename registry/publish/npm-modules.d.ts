/** The parts used here of npm's libraries that bring no types. */

declare module 'npm-packlist' {
  interface Tree {
    readonly path: string;
    readonly package: Readonly<Record<string, unknown>>;
    readonly isProjectRoot: boolean;
    readonly edgesOut: ReadonlyMap<string, unknown>;
  }
  export default function packlist(tree: Tree): Promise<string[]>;
}

declare module 'libnpmpublish' {
  export function publish(
    manifest: Readonly<Record<string, unknown>>,
    tarball: Buffer,
    options: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly transparencyLogUrl?: string }>;
}
