import type { transform as Transform } from 'esbuild';

/**
 * Turns async functions into generators that wait with `then`. V8 tells nobody when it goes on after an `await`, so an
 * AsyncLocalStorage would lose its store there; `then` is what the guest runtime can follow. An await costs
 * 1 µs then instead of 0.1: this is for packages that have such a storage, and no other.
 */
export async function followAwaits(script: { code: string; map: string }, transform: typeof Transform): Promise<{ code: string; map: string }> {
  // esbuild goes through the map that a script brings, so that errors still name the author's line
  const inline = `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(script.map).toString('base64')}\n`;
  return transform(script.code + inline, {
    loader: 'js',
    target: 'es2024',
    supported: { 'async-await': false, 'async-generator': false, 'for-await': false, 'dynamic-import': false },
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    tsconfigRaw: {},
  });
}
