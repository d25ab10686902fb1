/** Lets an option stand several times: `--grant a --grant b` gives `['a', 'b']`. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
