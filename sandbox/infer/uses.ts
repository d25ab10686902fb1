import type { AnyNode, CallExpression, Expression, Identifier, NewExpression, Node } from 'acorn';
import { findMember, looksSecret, type MemberRow } from '../../format/index.ts';
import { effectOf, program, type Given, type Need } from './effects.ts';
import type { Evaluator } from './evaluator.ts';
import { hostNeed } from './address-text.ts';
import { calledByHost } from './learn-calls.ts';
import type { FunctionNode, Scopes } from './scopes.ts';
import { changesParameter } from './changes-parameter.ts';
import { secretsIn } from './secrets.ts';
import { nodesBelow } from './syntax-tree.ts';
import { HOLE, isHole, type Value } from './value.ts';

/** One place that needs something. */
export interface Use {
  readonly node: Node;
  readonly what: string;
  readonly need: Need;
}

/** Names of the host's own tools: whoever registers one of them replaces it. */
const HOST_TOOLS = new Set(['read', 'write', 'edit', 'bash', 'grep', 'find', 'ls']);

/** Finds every place of a program that needs a permission. */
export function findUses(nodes: readonly AnyNode[], scopes: Scopes, evaluator: Evaluator): Use[] {
  const uses: Use[] = [];
  /** A variable of the environment that goes into a header → the permissions that let it go there unseen. */
  const secrets = new Map<string, Set<string>>();
  const written = new Set<Node>();
  /** Functions that the host calls later, and tools that are registered: one inside the other is a tool made later. */
  const later: FunctionNode[] = [];
  const registered: Node[] = [];

  for (const node of nodes) {
    // what is assigned to needs nothing: `process.env.X = …` is the guest's own copy
    if (node.type === 'AssignmentExpression') written.add(node.left);
    if (node.type === 'UnaryExpression' && node.operator === 'delete') written.add(node.argument);
    if (written.has(node)) continue;
    switch (node.type) {
      case 'CallExpression':
      case 'NewExpression':
        ofCall(node);
        break;
      case 'MemberExpression':
        ofMember(node, evaluator.valuesOf(node));
        break;
      case 'Identifier':
        if (isTakenApart(node)) ofMember(node, evaluator.valuesOf(node));
        break;
      case 'BinaryExpression':
        if (node.operator === 'in' && node.left.type !== 'PrivateIdentifier' && evaluator.valuesOf(node.right).some(isEnvironment))
          for (const name of evaluator.textsOf(node.left)) variable(node, name);
        break;
      default:
        break;
    }
  }
  const whenCalled = withCallees(later);
  for (const node of registered) if (whenCalled.some((fn) => isWithin(node, fn))) say(node, 'dash.registerTool, after loading', [permission('tools:dynamic')]);
  return uses.flatMap((use) => asSecret(use, secrets));

  /** Functions and those that they call. */
  function withCallees(functions: readonly FunctionNode[]): FunctionNode[] {
    if (registered.length === 0) return [];
    const reached = new Set(functions);
    for (const fn of reached) {
      if (reached.size > 500) break;
      for (const node of nodesBelow(fn.body))
        if (node.type === 'CallExpression' && node.callee.type !== 'Super') for (const callee of evaluator.functionsOf(node.callee)) reached.add(callee);
    }
    return [...reached];
  }

  function say(node: Node, what: string, needs: readonly Need[]): void {
    for (const need of needs) uses.push({ node, what, need });
  }

  function ofCall(node: CallExpression | NewExpression): void {
    if (node.callee.type === 'Super') return;
    for (const value of evaluator.valuesOf(node.callee)) {
      if (value.kind !== 'thing') continue;
      const needs = effectOf(value.name)?.(node.arguments, evaluator);
      if (needs !== undefined) say(node, spoken(value.name), needs);
      if (needs !== undefined) noteSecrets(needs, node.arguments);
      if (value.name.startsWith('dash.')) ofRegistration(node, value.name.slice(5), node.arguments);
      if (value.name === 'ctx.newSession' && hasFunction(node.arguments[0], 'setup')) say(node, 'ctx.newSession with `setup`', [permission('session:write')]);
      if (value.name === 'ctx.executeTool') say(node, value.name, [{ kind: 'computed', subject: 'tool', known: textAt(node.arguments, 0) }]);
      if (/^Object\.(keys|values|entries)$/.test(value.name)) {
        const [of] = node.arguments;
        if (of !== undefined && of.type !== 'SpreadElement' && evaluator.valuesOf(of).some(isEnvironment))
          say(node, 'process.env', [{ kind: 'computed', subject: 'variable', known: '' }]);
      }
    }
  }

  function hasFunction(options: Given[number] | undefined, name: string): boolean {
    if (options === undefined || options.type === 'SpreadElement') return false;
    return evaluator.propertyOf(options, name).some(({ kind }) => kind === 'function');
  }

  /** Members of `dash` whose need follows from the arguments. The others are found where they are named. */
  function ofRegistration(node: Node, member: string, given: Given): void {
    for (const fn of calledByHost(`dash.${member}`, given, evaluator)) later.push(fn);
    switch (member) {
      case 'on': {
        for (const event of textsAt(given, 0)) {
          const row = findMember('event', event);
          if (row === undefined || !row.delivered) continue;
          say(node, `event ${event}`, needsOf(row));
          // changing counts only where a handler answers something, or changes what it was given
          if (row.toChange.length > 0 && changes(given[1])) say(node, `event ${event}, changed`, row.toChange.map(permission));
        }
        return;
      }
      case 'exec':
        return say(node, 'dash.exec', program(given, evaluator));
      case 'registerProvider': {
        const config = given[1];
        const addresses = config === undefined || config.type === 'SpreadElement' ? [] : evaluator.propertyOf(config, 'baseUrl');
        return say(
          node,
          'dash.registerProvider',
          addresses.flatMap((value) => (value.kind === 'text' ? [providerNeed(value.text)] : [])),
        );
      }
      case 'registerTool': {
        registered.push(node);
        const [tool] = given;
        if (tool === undefined || tool.type === 'SpreadElement') return;
        for (const value of evaluator.propertyOf(tool, 'name'))
          if (value.kind === 'text' && HOST_TOOLS.has(value.text)) say(node, 'dash.registerTool', [permission(`tools:override:${value.text}`)]);
        if (evaluator.propertyOf(tool, 'prepareLoadout').some(({ kind }) => kind === 'function')) say(node, 'prepareLoadout', [permission('prompt:modify')]);
        return;
      }
      default:
        return;
    }
  }

  function ofMember(node: Node, values: readonly Value[]): void {
    for (const value of values) {
      if (value.kind === 'env') variable(node, value.name);
      if (value.kind !== 'thing') continue;
      const row = hostMember(value.name);
      if (row !== undefined) say(node, value.name, needsOf(row));
    }
    const member = node as AnyNode;
    if (member.type === 'MemberExpression' && member.computed && member.object.type !== 'Super' && evaluator.valuesOf(member.object).some(isEnvironment))
      if (member.property.type !== 'PrivateIdentifier' && evaluator.textsOf(member.property).some((name) => name.includes(HOLE)))
        say(node, 'process.env', [{ kind: 'computed', subject: 'variable', known: '' }]);
  }

  function variable(node: Node, name: string): void {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) say(node, 'process.env', [permission(`env:${name}`)]);
  }

  function noteSecrets(needs: readonly Need[], given: Given): void {
    const hosts = needs.flatMap((need) => (need.kind === 'permission' && need.host !== undefined && need.host !== '' ? [need.host] : []));
    // a helper that is called for several hosts: which key goes where is not known
    if (hosts.length !== 1) return;
    for (const argument of given.slice(0, 2)) {
      for (const { name, header } of secretsIn(argument, scopes, evaluator)) {
        const known = secrets.get(name) ?? new Set();
        secrets.set(name, known);
        for (const host of hosts) known.add(`secret:${name}@${host}${header === 'authorization' || header === 'x-api-key' ? '' : ` header ${header}`}`);
      }
    }
  }

  /** A name that a destructuring gave. */
  function isTakenApart(node: Identifier): boolean {
    return (
      scopes
        .variableOf(node)
        ?.sources.some(
          (source) =>
            (source.kind === 'expression' || source.kind === 'parameter') && source.steps.some((step) => typeof step === 'object' && 'property' in step),
        ) === true
    );
  }

  function changes(handler: Given[number] | undefined): boolean {
    if (handler === undefined || handler.type === 'SpreadElement') return false;
    return evaluator.functionsOf(handler).some((fn) => scopes.returnsOf(fn).some((answer) => !isNothing(answer)) || changesParameter(fn, scopes));
  }

  function textAt(given: Given, index: number): string {
    const [text = HOLE] = textsAt(given, index);
    return isHole(text) ? '' : text;
  }

  function textsAt(given: Given, index: number): string[] {
    const node = given[index];
    return node === undefined || node.type === 'SpreadElement' ? [] : evaluator.textsOf(node);
  }
}

/** Where a secret is only sent, it need not be seen. */
function asSecret(use: Use, secrets: ReadonlyMap<string, ReadonlySet<string>>): Use[] {
  const { need } = use;
  if (need.kind !== 'permission' || !need.permission.startsWith('env:')) return [use];
  const name = need.permission.slice(4);
  const known = looksSecret(name) ? sendable(name, [...(secrets.get(name) ?? [])]) : [];
  return known.length === 0 ? [use] : known.map((text) => ({ ...use, need: permission(text) }));
}

/** More hosts than this for one key mean that a helper fetches the keys of all of them: which goes where was not seen. */
const MANY_HOSTS = 3;

/** Of so many hosts those that the key is named after; of none, the package must see the key, and is asked about it. */
function sendable(name: string, known: readonly string[]): readonly string[] {
  const hostOf = (text: string): string => text.slice(text.indexOf('@') + 1).split(' ')[0] ?? '';
  if (new Set(known.map(hostOf)).size <= MANY_HOSTS) return known;
  const words = name
    .toLowerCase()
    .split('_')
    .filter((word) => word.length > 2 && !GENERIC.has(word));
  return known.filter((text) => words.some((word) => hostOf(text).includes(word)));
}

const GENERIC = new Set(['api', 'key', 'token', 'secret', 'auth', 'access', 'app', 'www', 'com', 'search', 'cloud']);

function providerNeed(text: string): Need {
  const [, host = ''] = /^https?:\/\/([^/?#]+)/.exec(text) ?? [];
  const need = hostNeed(host, 'https');
  return need.kind === 'permission' && need.host !== '' ? permission(`provider:${need.host}`) : { kind: 'computed', subject: 'host', known: text };
}

/** The row of a member of the host, under the names of the one table. */
function hostMember(name: string): MemberRow | undefined {
  if (name.startsWith('dash.')) return findMember('api', name.slice(5));
  if (name.startsWith('ctx.ui.')) return findMember('ui', name.slice(7));
  return name.startsWith('ctx.') ? findMember('context', name.slice(4)) : undefined;
}

/** `exec:…` and its like follow from the argument of the call. */
function needsOf({ needs }: MemberRow): Need[] {
  return needs.filter((text) => !text.endsWith(':…')).map(permission);
}

function permission(text: string): Need & { readonly kind: 'permission' } {
  return { kind: 'permission', permission: text };
}

function isEnvironment(value: Value): boolean {
  return value.kind === 'thing' && value.name === 'process.env';
}

function isWithin(inner: Node, outer: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

function isNothing(node: Expression): boolean {
  return (node.type === 'Identifier' && node.name === 'undefined') || (node.type === 'UnaryExpression' && node.operator === 'void');
}

/** `node:fs.readFile` is `fs.readFile` to its author. */
function spoken(name: string): string {
  return name.replace(/^node:/, '');
}
