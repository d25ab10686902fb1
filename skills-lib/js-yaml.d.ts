/** The little we use of js-yaml 3, the parser under gray-matter. */
declare module 'js-yaml' {
  export interface State {
    readonly kind: 'scalar' | 'sequence' | 'mapping' | null;
    readonly result: unknown;
  }
  export class YAMLException extends Error {
    readonly reason: string | undefined;
    readonly mark: { readonly line: number; readonly column: number } | undefined;
  }
  export const FAILSAFE_SCHEMA: unique symbol;
  export function load(
    text: string,
    options: { readonly schema: typeof FAILSAFE_SCHEMA; readonly listener: (event: 'open' | 'close', state: State) => void },
  ): unknown;
  const yaml: { readonly YAMLException: typeof YAMLException; readonly FAILSAFE_SCHEMA: typeof FAILSAFE_SCHEMA; readonly load: typeof load };
  export default yaml;
}
