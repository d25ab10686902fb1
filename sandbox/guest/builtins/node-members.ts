/**
 * What Node has in a module, short, because all of it lies in the runtime's script: names of functions,
 * classes with the names of their methods, plain values, and objects of the same.
 */
export interface MemberNames {
  /** Functions, separated by spaces. */
  readonly f?: string;
  readonly c?: Readonly<Record<string, string>>;
  readonly v?: Readonly<Record<string, string | number | boolean | null>>;
  readonly o?: Readonly<Record<string, MemberNames>>;
}

declare const __NODE_MEMBERS__: Readonly<Record<string, string>>;

/** The member names of one of Node's own builtins, as they were when the runtime was built. */
export function nodeMembers(module: string): MemberNames {
  const text = Object.hasOwn(__NODE_MEMBERS__, module) ? __NODE_MEMBERS__[module] : undefined;
  return text === undefined ? {} : (JSON.parse(text) as MemberNames);
}
