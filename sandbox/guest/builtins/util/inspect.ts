export interface InspectOptions {
  readonly depth?: number | null;
  readonly colors?: boolean;
  readonly showHidden?: boolean;
  readonly compact?: boolean | number;
  readonly breakLength?: number;
  readonly maxArrayLength?: number | null;
  readonly maxStringLength?: number | null;
  readonly sorted?: boolean | ((a: string, b: string) => number);
  readonly getters?: boolean;
  readonly customInspect?: boolean;
}

interface Inspect {
  (value: unknown, options?: InspectOptions | boolean, depth?: number | null, colors?: boolean): string;
  readonly colors: Readonly<Record<string, readonly [number, number]>>;
  readonly custom: symbol;
}

interface InspectModule {
  readonly inspect: Inspect;
  format(...args: readonly unknown[]): string;
  formatWithOptions(options: InspectOptions, ...args: readonly unknown[]): string;
  stripVTControlCharacters(text: string): string;
}

/** Node's own (build/node-source.ts), evaluated when something is printed for the first time. */
export function inspecting(): InspectModule {
  return require('node-source:internal/util/inspect') as InspectModule;
}
