/** An API that cannot work in the sandbox: thrown on use, never on import, with what to use instead. */
export function unsupported(what: string, alternative: string): Error {
  return Object.assign(new Error(`\`${what}\` is not supported in the sandbox: ${alternative}`), { code: 'UNSUPPORTED_API' });
}
