import type { Expression, ObjectExpression, SpreadElement } from 'acorn';
import type { ComputedSubject } from '../../format/index.ts';
import { addressNeed, hostNeed } from './address-text.ts';
import { commandLineNeed, isWorkspaceTool, programNeed } from './command-text.ts';
import type { Evaluator } from './evaluator.ts';
import { pathNeed } from './path-text.ts';
import { propertyName } from './scopes.ts';
import { asText, HOLE, type Value } from './value.ts';

/** What one call needs: a permission, or one whose target only exists when the code runs. */
export type Need =
  | {
      readonly kind: 'permission';
      readonly permission: string;
      readonly host?: string;
      /** Less may do: the target is computed, and this is all of where it can be. */
      readonly atMost?: boolean;
    }
  | { readonly kind: 'computed'; readonly subject: ComputedSubject; readonly known: string };

export type Given = readonly (Expression | SpreadElement)[];
type Effect = (given: Given, evaluator: Evaluator) => readonly Need[];

/** What a call of a builtin, a global or a host module's function needs; `undefined` when it has no effect of its own. */
export function effectOf(name: string): Effect | undefined {
  return EFFECTS.get(name);
}

const area =
  (...permissions: readonly string[]): Effect =>
  () =>
    permissions.map((permission) => ({ kind: 'permission', permission }));

const read = (index: number): Effect => path('read', index);
const write = (index: number): Effect => path('write', index);
const all =
  (...effects: readonly Effect[]): Effect =>
  (given, evaluator) =>
    effects.flatMap((effect) => effect(given, evaluator));

function path(access: 'read' | 'write', index: number): Effect {
  return (given, evaluator) => textsAt(given, index, evaluator).flatMap((text) => pathNeeds(access, text));
}

function pathNeeds(access: 'read' | 'write', text: string): Need[] {
  const need = pathNeed(text);
  switch (need.kind) {
    case 'own':
      return [];
    case 'computed':
      return [{ kind: 'computed', subject: `path to ${access}`, known: need.known }];
    case 'path':
      return [{ kind: 'permission', permission: `fs:${access}:${need.path}`, ...(need.isCut && { atMost: true }) }];
  }
}

/** `fs.open`: the flags say which way; ones that are computed may be both. */
const open: Effect = (given, evaluator) => {
  const flags = given[1] === undefined ? ['r'] : textsAt(given, 1, evaluator);
  const reads = flags.some((flag) => flag.includes(HOLE) || /^r|\+/.test(flag));
  const writes = flags.some((flag) => flag.includes(HOLE) || /^[wa]|\+/.test(flag));
  return [...(reads ? read(0)(given, evaluator) : []), ...(writes ? write(0)(given, evaluator) : [])];
};

/** A pattern is looked for below a directory, which the options may name. */
const glob: Effect = (given, evaluator) => {
  const options = given[1];
  const directories = options === undefined || options.type === 'SpreadElement' ? ['.'] : textsOf(evaluator.propertyOf(options, 'cwd'));
  return directories.flatMap((directory) => pathNeeds('read', directory));
};

const READS = 'readFile readdir stat lstat access exists realpath opendir readlink statfs openAsBlob createReadStream'.split(' ');
const WRITES = 'writeFile appendFile mkdir mkdtemp rm rmdir unlink chmod lchmod chown lchown utimes lutimes truncate createWriteStream'.split(' ');

const FILES: readonly (readonly [string, Effect])[] = [
  ...READS.map((name) => [name, read(0)] as const),
  ...WRITES.map((name) => [name, write(0)] as const),
  ['open', open],
  ['glob', glob],
  ['copyFile', all(read(0), write(1))],
  ['cp', all(read(0), write(1))],
  // what is moved away becomes readable under its new name
  ['rename', all(write(0), read(0), write(1))],
  ['link', all(read(0), write(1))],
  ['symlink', write(1)],
  ['watch', all(read(0), area('background'))],
  ['watchFile', all(read(0), area('background'))],
];

/** `spawn(program, args, options)`, `dash.exec(program, args, options)`. A list that is not written out has no known arguments. */
export const program: Effect = ([file, list, options], evaluator) => {
  if (file === undefined || file.type === 'SpreadElement') return [{ kind: 'computed', subject: 'command', known: '' }];
  const programs = evaluator.textsOf(file);
  const settings = [list, options].filter((given) => given !== undefined && given.type !== 'SpreadElement');
  if (settings.some((given) => asksForShell(given, evaluator)))
    return programs.flatMap((line) => [...ofCommandLine(line), ...filesOf(line, settings, evaluator)]);
  // several programs and several lists: which belongs to which is not known
  const args = programs.length > 1 || list === undefined || list.type === 'SpreadElement' ? undefined : evaluator.elementsOf(list);
  return programs.flatMap((each) => [...argumentsOf(args).map((words) => commandNeed(programNeed(each, words), each)), ...filesOf(each, settings, evaluator)]);
};

/**
 * A confined program sees what its package may read. A directory that is asked for by name must be readable; and tools of
 * the workspace find nothing to do without it.
 */
function filesOf(command: string, settings: readonly Expression[], evaluator: Evaluator): Need[] {
  const given = settings.flatMap((one) =>
    evaluator.valuesOf(one).flatMap((value) => (value.kind === 'object' && hasProperty(value.node, 'cwd') ? textsOf(evaluator.member(value, 'cwd')) : [])),
  );
  const directories = given.length > 0 ? given : isWorkspaceTool(command) ? ['.'] : [];
  return directories.flatMap((directory) => pathNeeds('read', directory)).map((need) => (need.kind === 'permission' ? { ...need, atMost: true } : need));
}

function hasProperty({ properties }: ObjectExpression, name: string): boolean {
  return properties.some((property) => property.type === 'Property' && propertyName(property.key, property.computed) === name);
}

function asksForShell(options: Expression, evaluator: Evaluator): boolean {
  const objects = evaluator.valuesOf(options).filter(({ kind }) => kind === 'object');
  return objects.some((object) => evaluator.member(object, 'shell').some((value) => value.kind === 'text' && value.text !== 'false'));
}

function argumentsOf(elements: readonly (readonly Value[])[] | undefined): string[][] {
  const [first] = elements ?? [];
  return first === undefined ? [[]] : textsOf(first).map((text) => [text]);
}

const commandLine: Effect = (given, evaluator) => {
  const settings = given.slice(1, 2).filter((one) => one.type !== 'SpreadElement');
  return textsAt(given, 0, evaluator).flatMap((line) => [...ofCommandLine(line), ...filesOf(line, settings, evaluator)]);
};

function ofCommandLine(line: string): Need[] {
  return [commandNeed(commandLineNeed(line), line)];
}

function commandNeed(need: ReturnType<typeof programNeed>, written: string): Need {
  return need.kind === 'permission' ? need : { kind: 'computed', subject: 'command', known: written };
}

const PROGRAMS: readonly (readonly [string, Effect])[] = [
  ...['spawn', 'execFile'].flatMap((name) => [[name, program] as const, [`${name}Sync`, program] as const]),
  ...['exec', 'execSync'].map((name) => [name, commandLine] as const),
  // runs a module of the package as a program of its own
  ['fork', area('exec:node')],
];

/** `fetch(url)`, `http.get(url)`. */
export const address: Effect = (given, evaluator) => textsAt(given, 0, evaluator).flatMap((text) => addressNeeds(text));

function addressNeeds(text: string): Need[] {
  const need = addressNeed(text);
  switch (need.kind) {
    case 'none':
      return [];
    case 'computed':
      return [{ kind: 'computed', subject: 'host', known: text }];
    case 'permission':
      return [need];
  }
}

/** `http.request(url | options, …)`: the options name the host, unless an address before them does. */
const request =
  (module: 'http' | 'https'): Effect =>
  (given, evaluator) => {
    const [first] = given;
    if (first === undefined || first.type === 'SpreadElement') return [{ kind: 'computed', subject: 'host', known: '' }];
    const values = evaluator.valuesOf(first);
    const texts = values.filter(({ kind }) => kind === 'text').map(asText);
    const options = values.filter(({ kind }) => kind === 'object');
    if (texts.length + options.length === 0) return [{ kind: 'computed', subject: 'host', known: '' }];
    return [
      ...texts.flatMap(addressNeeds),
      ...options.flatMap((value): Need[] => {
        const part = (name: string): string[] => textsOf(evaluator.member(value, name)).filter((text) => text !== HOLE);
        const hosts = [...part('hostname'), ...part('host')];
        const [port] = part('port');
        if (hosts.length === 0) return [{ kind: 'computed', subject: 'host', known: '' }];
        return hosts.map((host) => {
          const need = hostNeed(host, module, port === undefined ? undefined : Number(port));
          return need.kind === 'permission' ? need : { kind: 'computed', subject: 'host', known: host };
        });
      }),
    ];
  };

const NETWORK: readonly (readonly [string, Effect])[] = [
  ['fetch', address],
  ['WebSocket', address],
  ['EventSource', address],
  ...['fetch', 'request', 'stream', 'default'].map((name) => [`node:undici.${name}`, address] as const),
  ['node:node-fetch', address],
  ['navigator.sendBeacon', address],
  ...(['http', 'https'] as const).flatMap((module) => ['request', 'get'].map((name) => [`node:${module}.${name}`, request(module)] as const)),
];

/** pi's own tools, made by an extension: they work in the directory that they are given. */
const TOOLS: readonly (readonly [string, Effect])[] = [
  ['Read', read(0)],
  ['Ls', read(0)],
  ['Write', write(0)],
  ['Edit', all(read(0), write(0))],
  ['Grep', all(read(0), area('exec:rg'))],
  ['Find', all(read(0), area('exec:fd'))],
  ['Bash', area('exec:bash')],
];
const MANY_TOOLS = {
  createReadOnlyTools: all(read(0), area('exec:rg', 'exec:fd')),
  createCodingTools: all(read(0), write(0), area('exec:bash')),
  createAllTools: all(read(0), write(0), area('exec:bash', 'exec:rg', 'exec:fd')),
} as const;

const HOST_MODULES: readonly (readonly [string, Effect])[] = [
  ...TOOLS.flatMap(([name, effect]) =>
    [`create${name}Tool`, `create${name}ToolDefinition`].map((member) => [`node:pi-coding-agent.${member}`, effect] as const),
  ),
  ...Object.entries(MANY_TOOLS).flatMap(([name, effect]) =>
    [name, name.replace(/s$/, 'Definitions')].map((member) => [`node:pi-coding-agent.${member}`, effect] as const),
  ),
  ['node:pi-coding-agent.createLocalBashOperations', area('exec:bash')],
  ...['complete', 'completeSimple', 'stream', 'streamSimple'].flatMap((name) =>
    ['pi-ai', 'pi-ai/compat'].map((module) => [`node:${module}.${name}`, area('model')] as const),
  ),
];

const EFFECTS: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ...FILES.flatMap(([name, effect]) => [
    [`node:fs.${name}`, effect] as const,
    [`node:fs.${name}Sync`, effect] as const,
    [`node:fs/promises.${name}`, effect] as const,
  ]),
  ['node:fs.realpath.native', read(0)],
  ['node:fs.realpathSync.native', read(0)],
  ...PROGRAMS.map(([name, effect]) => [`node:child_process.${name}`, effect] as const),
  ...NETWORK,
  ...HOST_MODULES,
  ...['compile', 'instantiate', 'compileStreaming', 'instantiateStreaming', 'validate', 'Module', 'Instance', 'Memory', 'Table', 'Global'].map(
    (name) => [`WebAssembly.${name}`, area('wasm')] as const,
  ),
]);

function textsAt(given: Given, index: number, evaluator: Evaluator): string[] {
  const node = given[index];
  return node === undefined || node.type === 'SpreadElement' ? [HOLE] : textsOf(evaluator.valuesOf(node));
}

function textsOf(values: readonly Value[]): string[] {
  return values.length === 0 ? [HOLE] : [...new Set(values.map(asText))];
}
