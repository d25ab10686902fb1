/** Bodies of a tool whose answer is the attack: what the agent reads of it must neither change nor stop the agent. */
export const ANSWERS: Readonly<Record<string, string>> = {
  'a prototype in a result': `return JSON.parse('{"content":[],"__proto__":{"polluted":1},"details":{"__proto__":{"polluted":1}}}')`,
  'a constructor in a result': `return JSON.parse('{"content":[],"constructor":{"prototype":{"polluted":1}},"details":{"constructor":{"prototype":{"polluted":1}}}}')`,
  'a prototype in an update': `onUpdate(JSON.parse('{"content":[],"details":{"__proto__":{"polluted":1}}}')); return 'updated'`,
  'a poisoned prototype of its own': `Object.prototype.polluted = 1; Array.prototype.map = () => { throw 1; }; return 'poisoned'`,
  'a poisoned serialiser': `JSON.stringify = () => '{"kind":"result","id":1,"value":{"__proto__":{"polluted":1}}}'; return 'x'`,
  'a serialiser that says other messages': `JSON.stringify = () => '{"kind":"activated","registrations":[],"failures":[]}'; onUpdate({ content: [] }); return 'x'`,
  'a result of getters': `let n = 0; return { get content() { return n++ ? 'x' : []; }, get details() { throw new Error('no'); } }`,
  'a result that is a proxy': `return new Proxy({}, { get: () => { throw new Error('no'); }, ownKeys: () => { throw new Error('no'); } })`,
  'a result that is itself': `const value = { content: [] }; value.details = value; return value`,
  'a result without JSON': `return { content: [], details: { n: 1n, f() {}, s: Symbol('x') } }`,
  'blocks of other forms': `return { content: [null, 1, 'x', { type: 'text' }, { type: 'text', text: {} }, { type: 'image', data: 1, mimeType: [] }, { type: '__proto__' }], isError: 'yes', terminate: 'no' }`,
  'half characters': `return { content: [{ type: 'text', text: '\\ud800'.repeat(1000) + '\\udfff' }] }`,
  'line ends in every place': `return { content: [{ type: 'text', text: '\\n\\r\\u2028\\u2029c{"kind":"dead"}\\n' }], details: { 'a\\nb': '\\n' } }`,
  'an error that is nothing': `throw undefined`,
  'an error with a hostile message': `throw Object.defineProperties(new Error('x'), { message: { get() { throw new Error('no'); } }, stack: { get() { throw new Error('no'); } }, code: { get() { throw new Error('no'); } } })`,
  'an error of another kind': `throw { toString() { throw new Error('no'); }, [Symbol.toPrimitive]() { throw new Error('no'); } }`,
};
