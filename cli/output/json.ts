/** Writes one JSON document: indented, so that people can read it too, and ended by a line feed. */
export function formatJson(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
