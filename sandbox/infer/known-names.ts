import { literal, PLACES, textValue, thing, UNKNOWN, type Value } from './value.ts';

const GLOBALS = new Set([
  'fetch',
  'process',
  'URL',
  'Request',
  'WebSocket',
  'EventSource',
  'XMLHttpRequest',
  'WebAssembly',
  'Promise',
  'Object',
  'String',
  'Array',
  'require',
  'navigator',
]);

/** What a name is that the program does not define itself. */
export function globalNamed(name: string): readonly Value[] {
  if (GLOBALS.has(name)) return [thing(name)];
  if (name === '__dash_require') return [thing('require')];
  if (['globalThis', 'global', 'window', 'self'].includes(name)) return [thing('globalThis')];
  if (['__dirname', '__filename', '__dash_meta_url', '__dash_meta_filename', '__dash_meta_dirname'].includes(name)) return [textValue(PLACES.package)];
  return [UNKNOWN];
}

/** What a member is of something that the language, Node or the host gives. */
export function memberOfThing(of: string, name: string): readonly Value[] {
  if (of === 'globalThis') return globalNamed(name);
  if (of.startsWith('pi-tool:') && name === 'name') return [literal(of.slice(8))];
  if (of === 'ctx' && name === 'cwd') return [textValue(PLACES.workspace)];
  if (of === 'node:pi-coding-agent' && name === 'CONFIG_DIR_NAME') return [literal('.pi')];
  if (of === 'process.env') return [{ kind: 'env', name }];
  if (of === 'process' && name === 'env') return [thing('process.env')];
  // `import fs from 'fs'` and `import * as fs` are one object
  if (name === 'default' && of.startsWith('node:') && !of.includes('.')) return [thing(of)];
  if (of === 'node:fs' && name === 'promises') return [thing('node:fs/promises')];
  if (of === 'node:process') return memberOfThing('process', name);
  if (of === 'node:path' && (name === 'posix' || name === 'win32')) return [thing(of)];
  return [thing(`${of}.${name}`)];
}
