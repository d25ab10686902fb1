import type { CallExpression, Expression, NewExpression, SpreadElement } from 'acorn';
import type { Evaluator } from './evaluator.ts';
import { baseName, joinPaths, parentOf, resolvePaths } from './path-text.ts';
import { asText, distinct, HOLE, isHole, PLACES, textValue, thing, UNKNOWN, type Value } from './value.ts';

type Given = readonly (Expression | SpreadElement)[];
type Answer = (given: Given, evaluator: Evaluator) => readonly Value[];

/** Every combination of several texts, up to this many. */
const MAX_COMBINATIONS = 12;

const argument =
  (index: number): Answer =>
  (given, evaluator) => {
    const node = given[index];
    return node === undefined || node.type === 'SpreadElement' ? [UNKNOWN] : evaluator.valuesOf(node);
  };
const place =
  (name: keyof typeof PLACES): Answer =>
  () => [textValue(PLACES[name])];
const ofText =
  (change: (text: string) => string): Answer =>
  (given, evaluator) =>
    argument(0)(given, evaluator).map((value) => textValue(change(asText(value))));
const ofTexts =
  (change: (texts: readonly string[]) => string): Answer =>
  (given, evaluator) =>
    combinations(given.map((node) => (node.type === 'SpreadElement' ? [HOLE] : evaluator.textsOf(node)))).map((texts) => textValue(change(texts)));

/** What builtins and host modules answer, as far as it can be said without running them. */
const ANSWERS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['node:path.join', ofTexts(joinPaths)],
  ['node:path.resolve', ofTexts(resolvePaths)],
  ['node:path.normalize', ofText((text) => joinPaths([text]))],
  ['node:path.dirname', ofText(parentOf)],
  ['node:path.basename', ofText(baseName)],
  ['node:url.fileURLToPath', ofText((text) => text.replace(/^file:\/\//, ''))],
  ['node:url.pathToFileURL', argument(0)],
  ['node:os.homedir', place('home')],
  ['node:os.tmpdir', place('tmp')],
  ['process.cwd', place('workspace')],
  ['node:pi-coding-agent.getAgentDir', place('data')],
  ['node:pi-coding-agent.defineTool', argument(0)],
  ...['read', 'write', 'edit', 'ls', 'grep', 'find', 'bash'].flatMap((name): [string, Answer][] => {
    const made: Answer = () => [thing(`pi-tool:${name}`)];
    const maker = `node:pi-coding-agent.create${name[0]?.toUpperCase()}${name.slice(1)}Tool`;
    return [
      [maker, made],
      [`${maker}Definition`, made],
    ];
  }),
  ...['fs.mkdtempSync', 'fs.mkdtemp', 'fs/promises.mkdtemp'].map((name): [string, Answer] => [`node:${name}`, ofText((text) => text + HOLE)]),
  ...['fs.realpathSync', 'fs/promises.realpath'].map((name): [string, Answer] => [`node:${name}`, argument(0)]),
  ['node:util.promisify', argument(0)],
  ['node:module.createRequire', () => [thing('require')]],
  ['require', (given, evaluator) => argument(0)(given, evaluator).map(moduleNamed)],
  ['String', argument(0)],
  ['Promise.resolve', argument(0)],
  ['Object.freeze', argument(0)],
  ['Object.seal', argument(0)],
  ['Object.assign', (given, evaluator) => distinct(given.flatMap((node) => (node.type === 'SpreadElement' ? [UNKNOWN] : evaluator.valuesOf(node))))],
  // it is called with `dash` in the factory's place: what it answers is what it was given
  ['node:dash-agent.defineExtension', argument(0)],
  ['node:dash-agent/sdk.defineExtension', argument(0)],
  ['node:dash-agent/sdk.defineTool', argument(0)],
]);

/** `undefined` for a builtin of which nothing is known. */
export function builtinAnswer(name: string, { arguments: given }: CallExpression, evaluator: Evaluator): readonly Value[] | undefined {
  return ANSWERS.get(name.replace(/^node:path\/(posix|win32)/, 'node:path'))?.(given, evaluator);
}

/** What `new` makes of a builtin class: an address is its text. */
export function constructed(name: string, { arguments: given }: NewExpression, evaluator: Evaluator): readonly Value[] | undefined {
  if (name === 'Request') return argument(0)(given, evaluator);
  if (name !== 'URL' && name !== 'node:url.URL') return undefined;
  const [relative, base] = given;
  if (relative === undefined || relative.type === 'SpreadElement') return [UNKNOWN];
  if (base === undefined || base.type === 'SpreadElement') return evaluator.valuesOf(relative);
  return combinations([evaluator.textsOf(relative), evaluator.textsOf(base)]).map(([path = HOLE, origin = HOLE]) => textValue(resolveAddress(path, origin)));
}

/** `new URL(path, origin)`: an address that is whole stands for itself; whatever is not known is taken for a path. */
function resolveAddress(path: string, origin: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return path;
  if (isHole(origin)) return HOLE;
  const [, authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)([^?#]*)/i.exec(origin) ?? [];
  if (authority !== '') return path.startsWith('/') ? authority + path : `${authority}${rest.slice(0, rest.lastIndexOf('/') + 1) || '/'}${path}`;
  // a file beside another
  return joinPaths([origin, path]);
}

function moduleNamed(value: Value): Value {
  return value.kind === 'text' && !value.text.includes(HOLE) ? thing(`node:${value.text.replace(/^node:/, '')}`) : UNKNOWN;
}

function combinations(lists: readonly (readonly string[])[]): (readonly string[])[] {
  let rows: string[][] = [[]];
  for (const list of lists) {
    rows = rows.flatMap((row) => list.map((item) => [...row, item]));
    if (rows.length > MAX_COMBINATIONS) rows = rows.slice(0, MAX_COMBINATIONS);
  }
  return rows;
}
