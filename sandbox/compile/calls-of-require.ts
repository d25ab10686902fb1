/**
 * The names in `_require('name')` where `createRequire` made the function: a bundler does not follow those. It reads text
 * and not syntax, so a call in a comment counts too; it is used to warn, never to decide.
 */
export function callsOfRequire(source: string): Set<string> {
  if (!source.includes('createRequire')) return new Set();
  return new Set(Array.from(source.matchAll(/require[\w$]*\s*(?:\([^()"']*\)\s*)?\(\s*(["'])([^"'\n]{1,200})\1\s*\)/gi), ([, , specifier = '']) => specifier));
}
