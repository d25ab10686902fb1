import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBareIsolate, type BareIsolate } from '../../support/bare-isolate.ts';

const require = createRequire(import.meta.url);
let guest: BareIsolate;
beforeAll(async () => {
  guest = await openBareIsolate(process.cwd());
}, 60_000);
afterAll(() => guest[Symbol.dispose]());

const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } } as const;
const KEYS = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048, ...pem }),
  rsa2: generateKeyPairSync('rsa', { modulusLength: 2048, ...pem }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256', ...pem }),
  ec2: generateKeyPairSync('ec', { namedCurve: 'P-256', ...pem }),
  ed: generateKeyPairSync('ed25519', pem),
  x: generateKeyPairSync('x25519', pem),
  x2: generateKeyPairSync('x25519', pem),
};

/** Shared by the programs: results and errors as JSON can tell them. `KEYS` are the same here and there. */
const tools = `
const KEYS = ${JSON.stringify(KEYS)};
const hex = (value) => Buffer.from(value).toString('hex');
const told = (error) => 'throws ' + error.name + ' ' + (error.code ?? '');
const attempt = (run) => { try { const value = run(); return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? hex(value) : value } catch (error) { return told(error) } };
const settle = async (run) => { try { const value = await run(); return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? hex(value) : value } catch (error) { return told(error) } };
const text = 'what is said ä '.repeat(20); const data = new TextEncoder().encode(text); const iv = Buffer.alloc(12, 7); const key = Buffer.alloc(32, 9); const out = [];
`;

// Bodies of async functions with `require`. Each runs here in Node and there in the isolate, and must give the same.
const programs: Readonly<Record<string, string>> = {
  'createCipheriv and createDecipheriv': `const c = require('crypto');
    for (const [name, keyLength, ivLength] of [['aes-256-cbc', 32, 16], ['aes-128-cbc', 16, 16], ['aes-192-ctr', 24, 16], ['AES-256-ECB', 32, 0], ['aes-256-gcm', 32, 12], ['chacha20-poly1305', 32, 12], ['aes-128-ocb', 16, 12], ['aes256', 32, 16], ['nope', 1, 1], ['aes-256-cbc', 5, 16], ['aes-256-cbc', 32, 3]]) {
      const given = [name, Buffer.alloc(keyLength, 3), ivLength === 0 ? null : Buffer.alloc(ivLength, 4), name.includes('ocb') || name.includes('poly') ? { authTagLength: 16 } : undefined];
      out.push(name, attempt(() => { const e = c.createCipheriv(...given); const aead = /gcm|poly|ocb/.test(name); if (aead) e.setAAD(Buffer.from('more')); const packed = Buffer.concat([e.update(text, 'utf8'), e.update(Buffer.from('x')), e.final()]); const d = c.createDecipheriv(...given); if (aead) { d.setAAD(Buffer.from('more')); d.setAuthTag(e.getAuthTag()) } return packed.toString('hex') + ' ' + (aead ? hex(e.getAuthTag()) : '') + Buffer.concat([d.update(packed.subarray(0, 5)), d.update(packed.subarray(5)), d.final()]).toString() }));
    }
    const forged = (change) => attempt(() => { const e = c.createCipheriv('aes-256-gcm', key, iv); const packed = Buffer.concat([e.update('secret'), e.final()]); const tag = e.getAuthTag(); const d = c.createDecipheriv('aes-256-gcm', key, iv); return change(d, packed, tag) });
    out.push(forged((d, packed, tag) => { packed[0] ^= 1; d.setAuthTag(tag); d.update(packed); return d.final() }), forged((d, packed) => { d.update(packed); return d.final() }), forged((d, packed, tag) => { d.update(packed); d.setAuthTag(tag); return d.final('utf8') }), forged((d, packed, tag) => { d.setAuthTag(tag); d.setAuthTag(tag) }));
    const e = c.createCipheriv('aes-256-cbc', key, Buffer.alloc(16)); out.push(e.update('abc', 'utf8', 'hex') + e.final('hex'), attempt(() => e.update('x')), attempt(() => e.final()), attempt(() => e.getAuthTag()));
    const raw = c.createCipheriv('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false); out.push(hex(raw.update(Buffer.alloc(16))), hex(raw.final()), attempt(() => { const short = c.createCipheriv('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false); short.update('x'); return short.final() }));
    out.push(attempt(() => { const d = c.createDecipheriv('aes-256-cbc', key, Buffer.alloc(16)); d.update(Buffer.alloc(32)); return d.final() }), hex(c.createCipheriv('aes-256-ctr', c.createSecretKey(key), Buffer.alloc(16)).update('a')));
    const { Readable } = require('stream'); const parts = []; for await (const part of Readable.from([Buffer.from('a'.repeat(100)), 'b'.repeat(50)]).pipe(c.createCipheriv('aes-256-cbc', key, Buffer.alloc(16)))) parts.push(part); out.push(hex(Buffer.concat(parts)));
    out.push(c.getCiphers().includes('aes-256-gcm'), c.getCipherInfo('aes-128-cbc'), c.getCipherInfo('nope') === undefined, c.getCipherInfo('aes-256-gcm', { ivLength: 7 }).ivLength); return out`,

  signatures: `const c = require('crypto');
    for (const hash of ['RSA-SHA256', 'sha256', 'sha1', 'SHA512']) { const s = c.createSign(hash); s.update(text); s.write('more'); s.end(); const signature = s.sign(KEYS.rsa.privateKey); out.push(hash, hex(signature), c.createVerify(hash).update(text + 'more').verify(KEYS.rsa.publicKey, signature), c.createVerify(hash).update(text).verify(KEYS.rsa.publicKey, signature), c.createVerify(hash).update(text + 'more').verify(KEYS.rsa2.publicKey, signature)); }
    out.push(c.createSign('RSA-SHA256').update('x').sign(KEYS.rsa.privateKey, 'base64url'), c.createVerify('sha256').update('x').verify(KEYS.rsa.publicKey, c.sign('sha256', Buffer.from('x'), KEYS.rsa.privateKey).toString('base64'), 'base64'));
    out.push(hex(c.sign(null, data, KEYS.ed.privateKey)), c.verify(null, data, KEYS.ed.publicKey, c.sign(null, data, KEYS.ed.privateKey)));
    for (const dsaEncoding of ['der', 'ieee-p1363']) { const s = c.sign('sha256', data, { key: KEYS.ec.privateKey, dsaEncoding }); out.push(dsaEncoding === 'der' ? s[0] : s.length, c.verify('sha256', data, { key: KEYS.ec.publicKey, dsaEncoding }, s), c.verify('sha256', Buffer.from('y'), { key: KEYS.ec.publicKey, dsaEncoding }, s)); }
    const pss = { padding: c.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }; out.push(c.verify('sha256', data, { key: KEYS.rsa.publicKey, ...pss }, c.sign('sha256', data, { key: KEYS.rsa.privateKey, ...pss })));
    out.push(attempt(() => c.createSign('nope')), attempt(() => c.createSign('sha256').update('x').sign('no key')), attempt(() => c.createSign('sha256').update('x').sign(KEYS.rsa.publicKey)), attempt(() => c.verify('sha256', data, KEYS.ec.publicKey, Buffer.from('short'))), attempt(() => c.createSign(5)));
    out.push(await new Promise((done) => c.sign('sha256', data, KEYS.rsa.privateKey, (error, s) => c.verify('sha256', data, KEYS.rsa.publicKey, s, (again, fine) => done([error, again, fine, hex(s)]))))); return out`,

  'key objects': `const c = require('crypto'); const { types } = require('util');
    for (const [name, { publicKey, privateKey }] of Object.entries(KEYS)) { const [a, b, made] = [c.createPublicKey(publicKey), c.createPrivateKey(privateKey), c.createPublicKey(privateKey)]; out.push(name, a.type, b.type, a.asymmetricKeyType, b.asymmetricKeyType, made.equals(a), a.equals(b), b.export({ type: 'pkcs8', format: 'pem' }) === privateKey, a.export({ type: 'spki', format: 'pem' }) === publicKey, a.export({ format: 'jwk' }), JSON.stringify(b.asymmetricKeyDetails, (k, v) => typeof v === 'bigint' ? v + 'n' : v), types.isKeyObject(a), c.createPublicKey({ key: a.export({ format: 'jwk' }), format: 'jwk' }).equals(a)); }
    const locked = c.createPrivateKey(KEYS.rsa.privateKey).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' }); out.push(locked.split('\\n')[0], c.createPrivateKey({ key: locked, passphrase: 'p' }).equals(c.createPrivateKey(KEYS.rsa.privateKey)), attempt(() => c.createPrivateKey(locked)), attempt(() => c.createPrivateKey({ key: locked, passphrase: 'wrong' }).type), c.createPrivateKey(KEYS.ec.privateKey).export({ type: 'sec1', format: 'der' }).length > 100);
    const secret = c.createSecretKey(key); out.push(secret.type, secret.symmetricKeySize, hex(secret.export()), secret.export({ format: 'jwk' }), secret.equals(c.createSecretKey(key)), secret instanceof c.KeyObject, c.createHmac('sha256', secret).update('x').digest('hex'), Object.prototype.toString.call(secret), c.createSecretKey('text', 'utf8').symmetricKeySize);
    out.push(attempt(() => c.createPrivateKey('nope')), attempt(() => c.createPublicKey(Buffer.from('nope'))), attempt(() => new c.KeyObject('x')), attempt(() => c.createPrivateKey(KEYS.ec.publicKey)), attempt(() => secret.export({ format: 'pem' }))); return out`,

  'generated keys': `const c = require('crypto'); const { promisify } = require('util');
    const rsa = c.generateKeyPairSync('rsa', { modulusLength: 1024 }); out.push(rsa.publicKey.type, rsa.privateKey.asymmetricKeyDetails.modulusLength, c.verify('sha256', data, rsa.publicKey, c.sign('sha256', data, rsa.privateKey)));
    const ec = c.generateKeyPairSync('ec', { namedCurve: 'secp256k1', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'sec1', format: 'pem' } }); out.push(ec.publicKey.split('\\n')[0], ec.privateKey.split('\\n')[0], c.verify('sha256', data, ec.publicKey, c.sign('sha256', data, ec.privateKey)));
    out.push(await new Promise((done) => c.generateKeyPair('ed25519', {}, (error, a, b) => done([error, a.type, b.type]))), Object.keys(await promisify(c.generateKeyPair)('x25519', {})), c.generateKeySync('aes', { length: 192 }).symmetricKeySize, c.generateKeySync('hmac', { length: 100 }).symmetricKeySize, await new Promise((done) => c.generateKey('hmac', { length: 64 }, (e, k) => done([e, k.symmetricKeySize]))));
    out.push(attempt(() => c.generateKeyPairSync('nope')), attempt(() => c.generateKeyPairSync('ec', { namedCurve: 'nope' })), attempt(() => c.generateKeySync('aes', { length: 5 })), attempt(() => c.generateKeyPairSync('rsa', {}))); return out`,

  'encryption with pairs, and shared secrets': `const c = require('crypto');
    for (const options of [{}, { padding: c.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, { oaepLabel: Buffer.from('l') }]) out.push(c.privateDecrypt({ key: KEYS.rsa.privateKey, ...options }, c.publicEncrypt({ key: KEYS.rsa.publicKey, ...options }, Buffer.from('hidden'))).toString());
    out.push(c.publicDecrypt(KEYS.rsa.publicKey, c.privateEncrypt(KEYS.rsa.privateKey, Buffer.from('shown'))).toString(), attempt(() => c.privateDecrypt(KEYS.rsa2.privateKey, Buffer.alloc(5))), attempt(() => c.publicEncrypt(KEYS.rsa.publicKey, Buffer.alloc(500))));
    const secret = (mine, theirs) => hex(c.diffieHellman({ privateKey: c.createPrivateKey(KEYS[mine].privateKey), publicKey: c.createPublicKey(KEYS[theirs].publicKey) })); out.push(secret('x', 'x2') === secret('x2', 'x'), secret('x', 'x2'), secret('ec', 'ec2'), attempt(() => secret('x', 'ec')));
    const [a, b] = [c.createECDH('prime256v1'), c.createECDH('prime256v1')]; a.setPrivateKey(Buffer.alloc(32, 5)); b.generateKeys(); out.push(a.getPublicKey('hex'), a.getPublicKey('hex', 'compressed'), a.getPrivateKey('hex'), a.computeSecret(b.getPublicKey(), null, 'hex') === b.computeSecret(a.getPublicKey('hex'), 'hex', 'hex'), c.ECDH.convertKey(a.getPublicKey(), 'prime256v1', undefined, 'hex', 'compressed'), attempt(() => c.createECDH('nope')), attempt(() => a.computeSecret(Buffer.from('x'))), c.getCurves().includes('secp384r1')); return out`,

  'WebCrypto ciphers': `const { subtle } = crypto; const imported = (name, bytes = key) => subtle.importKey('raw', bytes, { name }, true, ['encrypt', 'decrypt']);
    for (const algorithm of [{ name: 'AES-GCM', iv }, { name: 'AES-GCM', iv, additionalData: data, tagLength: 96 }, { name: 'AES-CBC', iv: new Uint8Array(16) }, { name: 'AES-CTR', counter: new Uint8Array(16), length: 64 }, { name: 'aes-gcm', iv: new Uint8Array(0) }, { name: 'AES-GCM' }, { name: 'AES-CBC', iv }]) out.push(await settle(async () => { const k = await imported(algorithm.name); const packed = await subtle.encrypt(algorithm, k, data); return [hex(packed), new TextDecoder().decode(await subtle.decrypt(algorithm, k, packed)), k.algorithm, k.usages, k.type, Object.prototype.toString.call(k)] }));
    const k = await imported('AES-GCM'); const packed = new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv }, k, data)); packed[3] ^= 1; out.push(await settle(() => subtle.decrypt({ name: 'AES-GCM', iv }, k, packed)), await settle(() => imported('AES-GCM', new Uint8Array(5))), await settle(async () => subtle.encrypt({ name: 'AES-CBC', iv: new Uint8Array(16) }, k, data)), await settle(async () => subtle.encrypt({ name: 'AES-GCM', iv }, await subtle.importKey('raw', key, 'AES-GCM', true, ['decrypt']), data)), await settle(() => subtle.encrypt({ name: 'AES-GCM', iv }, {}, data)), await subtle.exportKey('jwk', k), await settle(() => subtle.importKey('raw', key, 'AES-GCM', true, [])), await settle(() => subtle.importKey('raw', key, 'Nope', true, ['encrypt'])), await settle(() => subtle.importKey('raw', key, 'AES-GCM', true, ['sign'])));
    const made = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']); out.push(made.algorithm, made.extractable, await settle(() => subtle.exportKey('raw', made)), new TextDecoder().decode(await subtle.decrypt({ name: 'AES-GCM', iv }, made, await subtle.encrypt({ name: 'AES-GCM', iv }, made, data))));
    const kw = await subtle.importKey('raw', key, 'AES-KW', true, ['wrapKey', 'unwrapKey']); out.push(await settle(async () => { const wrapped = await subtle.wrapKey('raw', k, kw, 'AES-KW'); return [hex(wrapped), hex(await subtle.exportKey('raw', await subtle.unwrapKey('raw', wrapped, kw, 'AES-KW', 'AES-GCM', true, ['encrypt'])))] })); const wrapper = await subtle.importKey('raw', key, 'AES-GCM', false, ['wrapKey', 'unwrapKey']); out.push(await settle(async () => { const wrapped = await subtle.wrapKey('jwk', k, wrapper, { name: 'AES-GCM', iv }); return (await subtle.unwrapKey('jwk', wrapped, wrapper, { name: 'AES-GCM', iv }, 'AES-GCM', true, ['encrypt', 'decrypt'])).algorithm }), await settle(() => subtle.wrapKey('raw', k, k, { name: 'AES-GCM', iv }))); return out`,

  'WebCrypto pairs': `const { subtle } = crypto; const der = (text) => Buffer.from(text.split('\\n').slice(1, -2).join(''), 'base64');
    for (const [name, algorithm, how] of [['rsa', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, 'RSASSA-PKCS1-v1_5'], ['rsa', { name: 'RSA-PSS', hash: 'SHA-512' }, { name: 'RSA-PSS', saltLength: 20 }], ['ec', { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }], ['ed', { name: 'Ed25519' }, 'Ed25519']]) { const [mine, theirs] = [await subtle.importKey('pkcs8', der(KEYS[name].privateKey), algorithm, true, ['sign']), await subtle.importKey('spki', der(KEYS[name].publicKey), algorithm, true, ['verify'])]; const signature = await subtle.sign(how, mine, data); out.push(name, mine.type, theirs.type, JSON.stringify(theirs.algorithm), /ECDSA|PSS/.test(algorithm.name) || hex(signature), await subtle.verify(how, theirs, signature, data), await subtle.verify(how, theirs, signature, iv), await subtle.exportKey('jwk', theirs), hex(await subtle.exportKey('spki', theirs)) === hex(der(KEYS[name].publicKey)), hex(await subtle.exportKey('pkcs8', mine)) === hex(der(KEYS[name].privateKey)), await settle(() => subtle.sign(how, theirs, data)), await settle(() => subtle.exportKey('pkcs8', theirs))); }
    const jwk = require('crypto').createPublicKey(KEYS.ec.publicKey).export({ format: 'jwk' }); out.push((await subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])).type, await settle(() => subtle.importKey('jwk', { kty: 'EC' }, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])));
    const oaep = await subtle.generateKey({ name: 'RSA-OAEP', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, false, ['encrypt', 'decrypt']); out.push(JSON.stringify(oaep.publicKey.algorithm), oaep.publicKey.extractable, oaep.privateKey.extractable, oaep.publicKey.usages, oaep.privateKey.usages, new TextDecoder().decode(await subtle.decrypt('RSA-OAEP', oaep.privateKey, await subtle.encrypt('RSA-OAEP', oaep.publicKey, iv))) === new TextDecoder().decode(iv), await settle(() => subtle.exportKey('pkcs8', oaep.privateKey)));
    const ecdh = async (mine, theirs) => subtle.deriveBits({ name: 'ECDH', public: await subtle.importKey('spki', der(KEYS[theirs].publicKey), { name: 'ECDH', namedCurve: 'P-256' }, true, []) }, await subtle.importKey('pkcs8', der(KEYS[mine].privateKey), { name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']), 256); out.push(hex(await ecdh('ec', 'ec2')), hex(await ecdh('ec2', 'ec')));
    const base = await subtle.importKey('raw', data, 'PBKDF2', false, ['deriveKey']); const derived = await subtle.deriveKey({ name: 'PBKDF2', salt: iv, iterations: 5, hash: 'SHA-256' }, base, { name: 'AES-GCM', length: 256 }, true, ['encrypt']); out.push(hex(await subtle.exportKey('raw', derived)), derived.usages, await settle(() => subtle.deriveBits({ name: 'PBKDF2', salt: iv, iterations: 5, hash: 'SHA-256' }, base, 256)), await settle(() => subtle.exportKey('raw', base)), await settle(() => subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [])), await settle(() => subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-999' }, true, ['sign'])), attempt(() => new CryptoKey()), derived instanceof CryptoKey);
    const { KeyObject } = require('crypto'); out.push(KeyObject.from(derived).type, hex(KeyObject.from(derived).export()), require('util').types.isCryptoKey(derived)); return out`,

  'util.MIMEType': `const { MIMEType, MIMEParams } = require('util'); const m = new MIMEType('text/Plain; charset=UTF-8;q="a b"'); m.params.set('x', 'y;z'); m.subtype = 'html'; return [String(m), m.type, m.subtype, m.essence, m.params.get('charset'), [...m.params], attempt(() => new MIMEType('nope')), attempt(() => new MIMEType('a/b c')), attempt(() => { m.type = '' }), new MIMEParams().has('a'), JSON.stringify(m)]`,
};

describe('what has keys gives what Node gives', () => {
  test.each(Object.entries(programs))('%s', async (_name, body) => {
    const code = `${tools}${body}`;
    const AsyncFunction = (async () => {}).constructor as new (name: string, code: string) => (require: NodeJS.Require) => Promise<unknown>;
    const inNode: unknown = await new AsyncFunction('require', code)(require);
    expect(await guest.run(code)).toEqual(JSON.parse(JSON.stringify(inNode)));
  });
});

describe('a key', () => {
  test('that is not extractable is not in reach of who holds it', async () => {
    const found =
      await guest.run(`const secret = new Uint8Array(32).fill(77); const key = await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt']);
      const seen = []; const walk = (value, depth) => { if (depth > 4 || value === null || (typeof value !== 'object' && typeof value !== 'function')) return void seen.push(String(value)); for (const name of Reflect.ownKeys(value)) { try { walk(value[name], depth + 1) } catch {} } const up = Object.getPrototypeOf(value); if (up !== null && up !== Object.prototype && up !== Function.prototype) walk(up, depth + 1); };
      walk(key, 0); return [seen.some((text) => text.includes('M'.repeat(8)) || text.includes('77,77')), JSON.stringify(key).includes('MMMM'), require('util').inspect(key).includes('77')]`);
    expect(found).toEqual([false, false, false]);
  });

  test('of somebody else’s making is none', async () => {
    const attempts =
      await guest.run(`const c = require('crypto'); const forged = { $: 'key', type: 'private', v: 'x' }; const told = async (run) => { try { return String(await run()) } catch (error) { return error.name } };
      return [await told(() => crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, Object.create(CryptoKey.prototype), new Uint8Array(1))), await told(() => c.sign('sha256', Buffer.from('x'), forged)), await told(() => crypto.subtle.exportKey('raw', forged))]`);
    expect(attempts).toEqual([expect.stringMatching(/Error$/), expect.stringMatching(/Error$/), expect.stringMatching(/Error$/)]);
  });
});
