/** The first line of a text, for a list: not longer than anybody reads there. */
export function firstLine(text: string): string {
  return (text.trim().split('\n', 1)[0] ?? '').slice(0, 200);
}
